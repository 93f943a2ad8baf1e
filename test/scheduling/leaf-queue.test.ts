import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { queueConfig } from '../../src/model/scheduling-config.ts';
import { LeafQueue } from '../../src/scheduling/leaf-queue.ts';
import { fairShare } from '../../src/scheduling/orders/fair-share.ts';
import { QueueTree } from '../../src/scheduling/queue-tree.ts';
import { restoreLeaf, saveLeaf } from '../../src/scheduling/tree-memory.ts';
import { order } from '../builders/site.ts';

const MINUTE = 60_000;

function leafOf(halfLifeMs: number): LeafQueue<never> {
  const by = order('fair-share', { halfLifeMs: halfLifeMs as never });
  const tree = new QueueTree(queueConfig('default', { order: by }));
  return new LeafQueue<never>(tree.root, fairShare.rule(by), 1, {
    capacity: () => [1000, 1000, 1000],
    request: () => ({ cpu: 1000, memory: 0, gpu: 0 }),
    sleeps: () => false,
    opened: () => undefined,
    closed: () => undefined,
    dropped: () => undefined,
  });
}

const lineOf = (leaf: LeafQueue<never>, tenant: string) =>
  leaf.line(tenant as TenantId, () => false);

/** A tenant that comes each minute, holds a CPU for a second and is never seen again. */
function passers(leaf: LeafQueue<never>, count: number): void {
  for (let i = 0; i < count; i++) {
    const line = lineOf(leaf, `passer-${i}`);
    line.hold([1000, 0, 0], 1, timeMs(i * MINUTE));
    line.hold([1000, 0, 0], -1, timeMs(i * MINUTE + 1000));
  }
}

test('tenants whose use has faded are forgotten, however many come', () => {
  const leaf = leafOf(MINUTE);
  passers(leaf, 10_000);
  assert.ok(leaf.lines.size < 200, `${leaf.lines.size} lines`);
});

test('nobody is forgotten whose use still counts, or who holds something', () => {
  const leaf = leafOf(10_000 * MINUTE);
  lineOf(leaf, 'holds').hold([1000, 0, 0], 1, timeMs(0));
  passers(leaf, 1_000);
  assert.equal(leaf.lines.size, 1_001);
});

test('what is saved does not tell who was forgotten when, and comes back the same', () => {
  const leaf = leafOf(MINUTE);
  passers(leaf, 1_000);
  const saved = saveLeaf(leaf);
  assert.ok(saved.tenants.length < 30, 'only those whose use counts');
  const restored = leafOf(MINUTE);
  restoreLeaf(restored, saved, (tenant) => lineOf(restored, tenant));
  assert.deepEqual(saveLeaf(restored), saved);
});
