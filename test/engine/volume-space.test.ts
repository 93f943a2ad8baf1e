import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes } from '../../src/base/units.ts';
import type { VolumeUse } from '../../src/model/execution-terms.ts';
import { benchWith } from '../builders/engine-bench.ts';
import { GIB, node, step, workload } from '../builders/workload.ts';

const volume = (name: string, gib: number, storageClass?: string): VolumeUse => ({
  name,
  size: bytes(gib * GIB),
  ...(storageClass !== undefined && { storageClass }),
  mountPath: `/${name}`,
  readOnly: false,
});
const uses = (...volumes: VolumeUse[]) =>
  workload('w', step('a', { execution: { storage: { volumes } } }));
const open = (ofSite: readonly VolumeUse[] = []) =>
  benchWith(
    { volumes: { bytes: { ssd: bytes(100 * GIB), '': bytes(50 * GIB) }, ofSite } },
    node('n', { cpu: 1_000_000, memory: 2 ** 42 }),
  );
const isRefused = (seen: readonly string[]): boolean => seen[0] === 'refused volume-space';

test('volumes of a class are let in up to the size of its disk, each counted once', () => {
  const b = open([volume('site', 40, 'ssd')]);
  assert.ok(!isRefused(b.submit(uses(volume('a', 60, 'ssd')))));
  assert.ok(isRefused(b.submit(uses(volume('b', 1, 'ssd')))));
  assert.ok(!isRefused(b.submit(uses(volume('a', 60, 'ssd'), volume('site', 40, 'ssd')))), 'again');
  assert.ok(isRefused(b.submit(uses(volume('a', 61, 'ssd')))), 'the same, and larger');
  assert.ok(!isRefused(b.submit(uses(volume('b', 50)))), 'on another disk');
  assert.ok(isRefused(b.submit(uses(volume('c', 1)))));
  assert.ok(!isRefused(b.submit(uses(volume('d', 999, 'nfs')))), 'whose size is not known');
  b.end('1.a.0.1');
  b.cancel('2');
  b.end('2.a.0.1', 'cancelled');
  assert.ok(!isRefused(b.submit(uses(volume('b', 60, 'ssd')))), 'those who used it have ended');
});

test('what a site promised beyond its disk may be used, and nothing more', () => {
  const b = open([volume('site', 150, 'ssd')]);
  assert.ok(!isRefused(b.submit(uses(volume('site', 150, 'ssd')))));
  assert.ok(isRefused(b.submit(uses(volume('own', 1, 'ssd')))));
});

test('what is let in is never more than the disk, whoever ends when', () => {
  const act = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    gib: fc.integer({ min: 1, max: 60 }),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const b = open([volume('a', 30, 'ssd')]);
      const held = new Map<string, { name: string; gib: number }>();
      const total = (more: readonly { name: string; gib: number }[] = []): number => {
        const sizes = new Map([['a', 30]]);
        for (const { name, gib } of [...held.values(), ...more])
          sizes.set(name, Math.max(gib, sizes.get(name) ?? 0));
        return [...sizes.values()].reduce((sum, gib) => sum + gib, 0);
      };
      let submitted = 0;
      for (const { name, gib, ends } of acts) {
        const [oldest] = held.keys();
        if (ends && oldest !== undefined) {
          b.end(`${oldest}.a.0.1`);
          held.delete(oldest);
          continue;
        }
        const fits = total([{ name, gib }]) <= 100;
        assert.equal(isRefused(b.submit(uses(volume(name, gib, 'ssd')))), !fits);
        if (fits) held.set(String(++submitted), { name, gib });
        assert.ok(total() <= 100);
      }
    }),
    { numRuns: 200 },
  );
});
