import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { inventoryDocument } from '../../src/inventory/inventory-document.ts';
import { inventorySchema } from '../../src/inventory/inventory-schema.ts';
import { openHostReader } from '../../src/inventory/io/host-reader.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';

/** The output of a tool, or undefined where it is not installed. */
function tool(program: string, ...args: readonly string[]): string | undefined {
  try {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    return execFileSync(program, args, {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
      env,
    });
  } catch {
    return undefined;
  }
}

const host = openHostReader({ sysroot: '/' });
const document = inventorySchema.parse(inventoryDocument(await takeInventory(host, registry)));

const lscpu = tool('lscpu', '-J');
test('lscpu agrees', { skip: lscpu === undefined && 'lscpu is not installed' }, () => {
  const fields = flatten(JSON.parse(lscpu!).lscpu);
  const is = (name: string, ours: unknown) => {
    if (fields.has(name)) assert.equal(String(ours), fields.get(name), name);
  };
  const cpu = document.cpu!;
  is('Architecture:', cpu.architecture);
  is('CPU(s):', cpu.threads + cpu.offline!.length);
  is('Model name:', cpu.model);
  is('Vendor ID:', cpu.vendor);
  is('Socket(s):', cpu.packages);
  is('Core(s) per socket:', cpu.cores / cpu.packages);
  is('Thread(s) per core:', cpu.threads / cpu.cores);
  is('NUMA node(s):', cpu.numa_nodes.length);
  is('Flags:', cpu.flags?.join(' '));
});

interface Field {
  readonly field: string;
  readonly data: string;
  readonly children?: readonly Field[];
}

function flatten(fields: readonly Field[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { field, data, children } of fields) {
    found.set(field, data);
    for (const [name, value] of flatten(children ?? [])) found.set(name, value);
  }
  return found;
}

const caches = tool('lscpu', '-C', '-J', '-B');
test('lscpu -C agrees on every cache', {
  skip: caches === undefined && 'lscpu is not installed',
}, () => {
  for (const row of JSON.parse(caches!).caches) {
    const kind = row.type.toLowerCase();
    const ours = document.cpu!.caches.filter((c) => c.level === row.level && c.kind === kind);
    assert.equal(ours[0]?.size_bytes, Number(row['one-size']), row.name);
    assert.equal(ours.length * ours[0]!.size_bytes!, Number(row['all-size']), row.name);
  }
});

const free = tool('free', '-b');
test('free agrees on memory and swap', {
  skip: free === undefined && 'free is not installed',
}, () => {
  const total = (row: string) => Number(new RegExp(`^${row}:\\s+(\\d+)`, 'm').exec(free!)![1]);
  assert.equal(document.memory!.total_bytes, total('Mem'));
  assert.equal(document.memory!.swap_total_bytes, total('Swap'));
});

const numactl = tool('numactl', '-H');
test('numactl agrees on nodes and distances', {
  skip: numactl === undefined && 'numactl is not installed',
}, () => {
  const cpus = [...numactl!.matchAll(/^node (\d+) cpus: ?(.*)$/gm)].map((m) => [
    Number(m[1]),
    m[2]!.trim(),
  ]);
  assert.deepEqual(
    document.cpu!.numa_nodes.map((n) => [n.id, n.cpus.join(' ')]),
    cpus,
  );
  const rows = [...numactl!.matchAll(/^ +\d+: +([\d ]+)$/gm)].map((m) =>
    m[1]!.trim().split(/ +/).map(Number),
  );
  if (document.topology!.numa_distances !== null)
    assert.deepEqual(document.topology!.numa_distances, rows);
});

test('the kernel agrees on its names', () => {
  const told = (...args: string[]) => tool('uname', ...args)!.trim();
  assert.equal(document.host['kernel_release'], told('-r'));
  assert.equal(document.host['host_name'], told('-n'));
});

test('an inventory starts fewer than 30 programs, and the fast part is cheap', {
  timeout: 60_000,
}, async () => {
  let started = 0;
  const counting = {
    ...host,
    run: (...args: Parameters<typeof host.run>) => {
      started++;
      return host.run(...args);
    },
  };
  await takeInventory(counting, registry);
  assert.ok(started < 30, `${started} programs`);
  const fast = registry.filter((probe) => probe.cost === 'fast');
  const runs = 100;
  for (let i = 0; i < runs; i++) for (const probe of fast) await probe.read(host);
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) for (const probe of fast) await probe.read(host);
  const { user, system } = process.cpuUsage(before);
  // 0.05 % of a core at 1 Hz is 500 µs; a shared machine doubles what it takes alone.
  const microseconds = (user + system) / runs;
  assert.ok(microseconds < 1000, `${microseconds} µs`);
});
