import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import type { HostReader, ReadOutcome, ReadProblem } from '../../src/inventory/host-reader.ts';
import { inventoryDocument } from '../../src/inventory/inventory-document.ts';
import { type InventoryDocument, inventorySchema } from '../../src/inventory/inventory-schema.ts';
import { openHostReader } from '../../src/inventory/io/host-reader.ts';
import { registry } from '../../src/inventory/registry.ts';
import { renderInventory } from '../../src/inventory/render-inventory.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { toDot } from '../../src/inventory/to-dot.ts';
import { dataFolder, unpackTree } from './fixtures.ts';

const folder = dataFolder('hosts/hwloc');
const archives = folder === undefined ? [] : globSync(`${folder}/*.tar.gz`).sort();
const SEEDS = Number(process.env['BERTH_SEEDS'] ?? 4);
const FIRST = Number(process.env['SEED'] ?? 1);

type Spoil = (prng: Prng, path: string) => 'leave' | ReadProblem['kind'] | 'change';

/** A host whose files are missing, denied or damaged, drawn anew for each read. */
function spoilt(host: HostReader, prng: Prng, spoil: Spoil): HostReader {
  const through = <T>(path: string, read: () => ReadOutcome<T>, change: (value: T) => T) => {
    const how = spoil(prng, path);
    if (how === 'leave') return read();
    if (how !== 'change') return { ok: false, problem: { kind: how, detail: path } } as const;
    const outcome = read();
    return outcome.ok ? { ok: true as const, value: change(outcome.value) } : outcome;
  };
  return {
    ...host,
    text: (path, max) =>
      through(
        path,
        () => host.text(path, max),
        (text) => damaged(prng, text),
      ),
    bytes: (path, max) =>
      through(
        path,
        () => host.bytes(path, max),
        (bytes) => bytes.subarray(0, prng.below(bytes.length + 1)),
      ),
    list: (path) =>
      through(
        path,
        () => host.list(path),
        (names) => names.filter(() => prng.chance(80)),
      ),
    link: (path) =>
      through(
        path,
        () => host.link(path),
        () => '/nowhere',
      ),
  };
}

function damaged(prng: Prng, text: string): string {
  if (text.length === 0) return '\0';
  switch (prng.below(5)) {
    case 0:
      return text.slice(0, prng.below(text.length));
    case 1:
      return '';
    case 2: {
      const at = prng.below(text.length);
      return `${text.slice(0, at)}${String.fromCharCode(prng.below(256))}${text.slice(at + 1)}`;
    }
    case 3:
      return text.repeat(3);
    default:
      return String.fromCharCode(...Array.from({ length: 40 }, () => prng.below(0x2fff)));
  }
}

async function documentOf(host: HostReader): Promise<InventoryDocument> {
  const inventory = await takeInventory(host, registry);
  renderInventory(inventory);
  toDot(inventory);
  return inventorySchema.parse(inventoryDocument(inventory));
}

const bugs = (document: InventoryDocument) =>
  document.probes.flatMap((p) => p.problems.map((o) => o.detail)).filter((d) => /^probe /.test(d));

for (const archive of archives) {
  const name = basename(archive, '.tar.gz');

  test(`${name}: damaged files never throw, hang or add CPUs`, { timeout: 300_000 }, async () => {
    const host = openHostReader({ sysroot: unpackTree(archive) });
    const listed = host.list('/sys/devices/system/cpu');
    assert.ok(listed.ok);
    const present = new Set(listed.value);
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const prng = new Prng(seed);
      const damagePerCent = prng.pick([2, 10, 40]);
      const document = await documentOf(
        spoilt(host, prng, (p) => (p.chance(damagePerCent) ? 'change' : 'leave')),
      );
      assert.deepEqual(bugs(document), [], `SEED=${seed}`);
      // Where /sys tells the processors. Else those of /proc/cpuinfo count, and their numbers may be damaged.
      if (document.cpu === null || document.cpu.offline === null) continue;
      for (const cpu of document.cpu.online) assert.ok(present.has(`cpu${cpu}`), `SEED=${seed}`);
    }
  });

  test(`${name}: what cannot be read is unknown, and never another value`, {
    timeout: 300_000,
  }, async () => {
    const host = openHostReader({ sysroot: unpackTree(archive) });
    const whole = await documentOf(host);
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const problems = ['denied', 'absent', 'failed', 'timed-out', 'too-large'] as const;
      const prng = new Prng(seed);
      const losesPerCent = prng.pick([1, 5, 20]);
      const lossy: Spoil = (p) => (p.chance(losesPerCent) ? p.pick(problems) : 'leave');
      const document = await documentOf(spoilt(host, prng, lossy));
      assert.deepEqual(bugs(document), [], `SEED=${seed}`);
      compareKnown(document, whole, `SEED=${seed}`);
    }
  });
}

/** Single values of the host are as in the whole document, or null. */
function compareKnown(part: InventoryDocument, whole: InventoryDocument, seed: string): void {
  const pairs: [string, unknown, unknown][] = [
    ['architecture', part.cpu?.architecture, whole.cpu?.architecture],
    ['model', part.cpu?.model, whole.cpu?.model],
    ['total', part.memory?.total_bytes, whole.memory?.total_bytes],
    ['swap', part.memory?.swap_total_bytes, whole.memory?.swap_total_bytes],
    ['host', part.host['host_name'], whole.host['host_name']],
    ['kernel', part.host['kernel_release'], whole.host['kernel_release']],
  ];
  for (const node of part.cpu?.numa_nodes ?? []) {
    const same = whole.cpu?.numa_nodes.find((n) => n.id === node.id);
    // Without the list of nodes there is one, with all memory.
    const all = whole.memory?.total_bytes;
    if (node.memory_bytes !== all)
      pairs.push([`node ${node.id}`, node.memory_bytes, same?.memory_bytes]);
  }
  for (const [name, known, true_] of pairs) {
    if (known === null || known === undefined || true_ === undefined) continue;
    assert.deepEqual(known, true_, `${seed}: ${name}`);
  }
}
