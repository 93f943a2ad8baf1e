import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InventoryKeeper } from '../../src/app/inventory-keeper.ts';
import type { ReadProblem } from '../../src/inventory/host-reader.ts';
import { temporaryFolder } from '../inventory/fixtures.ts';
import { memoryHost } from '../inventory/memory-host.ts';

const QUERY = 'nvidia-smi --query-gpu=index,pci.bus_id,compute_cap,uuid --format=csv';
const hangs: ReadProblem = { kind: 'timed-out', detail: 'nvidia-smi -q -x: no answer' };

const uuid = (n: number) => `GPU-0000000${n}-0000-0000-0000-000000000000`;
const gpu = (n: number) =>
  `<gpu id="00000000:0${n}:00.0"><product_name>NVIDIA T4</product_name><uuid>${uuid(n)}</uuid><fb_memory_usage><total>15360 MiB</total></fb_memory_usage></gpu>`;
const smi = (...gpus: number[]) => ({
  'nvidia-smi -q -x': `<nvidia_smi_log><driver_version>550.1</driver_version>${gpus.map(gpu).join('')}</nvidia_smi_log>`,
  'nvidia-smi topo -m': '',
  [QUERY]: '',
});

function host(programs: Record<string, string | ReadProblem>, memoryKb = 4_194_304) {
  return memoryHost({ files: { '/proc/meminfo': `MemTotal: ${memoryKb} kB\n` }, programs });
}

/** The sentences of one daemon after the other, on the same state folder. */
async function lives(hosts: readonly ReturnType<typeof host>[]): Promise<string[][]> {
  const file = join(temporaryFolder(), 'inventory.json');
  const told: string[][] = [];
  for (const [i, each] of hosts.entries()) {
    const { news } = await new InventoryKeeper(each, file, i).read('all', () => i);
    told.push(news.map(({ sentence }) => sentence));
  }
  return told;
}

const cases: Record<string, { hosts: ReturnType<typeof host>[]; want: string[][] }> = {
  'nothing is news at the first start': { hosts: [host(smi(1, 2))], want: [[]] },
  'a GPU that is gone after a restart vanished': {
    hosts: [host(smi(1, 2)), host(smi(1))],
    want: [[], [`gpu ${uuid(2)} vanished`]],
  },
  'a driver that hangs takes no GPU away, and is itself worse': {
    hosts: [host(smi(1, 2)), host({ 'nvidia-smi': hangs }), host(smi(1, 2))],
    want: [
      [],
      ['probe nvidia degraded: failed false → true'],
      ['probe nvidia recovered: failed true → false'],
    ],
  },
  'a GPU that fell out while the driver hung is missed when it answers': {
    hosts: [host(smi(1, 2)), host({ 'nvidia-smi': hangs }), host(smi(2))],
    want: [
      [],
      ['probe nvidia degraded: failed false → true'],
      [`gpu ${uuid(1)} vanished`, 'probe nvidia recovered: failed true → false'],
    ],
  },
  'memory that shrank is worse': {
    hosts: [host({}), host({}, 2_097_152)],
    want: [[], ['memory total degraded: total_bytes 4294967296 → 2147483648']],
  },
};
for (const [name, { hosts, want }] of Object.entries(cases)) {
  test(name, async () => {
    assert.deepEqual(await lives(hosts), want);
  });
}

test('changes are kept newest first over restarts, 500 at most, in a file of the owner', async () => {
  const file = join(temporaryFolder(), 'inventory.json');
  let kept: readonly { at: number; sentence: string }[] = [];
  for (let i = 0; i < 260; i++) {
    const keeper = new InventoryKeeper(host(i % 2 === 0 ? smi(1, 2) : smi(3, 4)), file, i);
    kept = (await keeper.read('all', () => i)).changes;
  }
  assert.equal(kept.length, 500);
  assert.deepEqual([kept[0]?.at, kept.at(-1)?.at], [259, 135]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

for (const [name, text] of Object.entries({
  truncated: '{"version":1,"docu',
  'of another version': '{"version":2}',
  empty: '',
})) {
  test(`a kept inventory that is ${name} is no reason not to start`, async () => {
    const file = join(temporaryFolder(), 'inventory.json');
    writeFileSync(file, text);
    const { news, unwritten } = await new InventoryKeeper(host({}), file, 0).read('all', () => 1);
    assert.deepEqual([news, unwritten], [[], undefined]);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).version, 1);
  });
}

test('a folder that cannot be written is told, and the reading is there', async () => {
  const file = join(temporaryFolder(), 'gone', 'inventory.json');
  const reading = await new InventoryKeeper(host({}), file, 0).read('all', () => 1);
  assert.match(reading.unwritten ?? '', /ENOENT/);
  assert.equal(reading.document.memory?.total_bytes, 2 ** 32);
});

test('reading what moves starts no program and keeps what the others told', async () => {
  const file = join(temporaryFolder(), 'inventory.json');
  const machine = host(smi(1));
  const keeper = new InventoryKeeper(machine, file, 0);
  await keeper.read('all', () => 1);
  const programs = machine.started.length;
  const { document } = await keeper.read('moving', () => 2);
  assert.equal(machine.started.length, programs);
  assert.equal(document.gpus[0]?.id, uuid(1));
});
