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

const lsblk = tool('lsblk', '-J', '-b', '-o', 'NAME,TYPE,SIZE,RO,RM');
test('lsblk agrees on disks and partitions', {
  skip: lsblk === undefined && 'lsblk is not installed',
}, () => {
  interface Row {
    readonly name: string;
    readonly type: string;
    readonly size: number;
    readonly ro: boolean;
    readonly rm: boolean;
    readonly children?: readonly Row[];
  }
  const theirs: readonly Row[] = JSON.parse(lsblk!).blockdevices;
  const ours = listOf(document.storage['block_devices']);
  for (const { name, type, size, ro, rm, children = [] } of theirs) {
    // Devices of size 0 are slots: loop devices and zram that nobody has set up.
    if (type !== 'disk' || size === 0) continue;
    const mine = ours.find((device) => device['name'] === name);
    assert.ok(mine !== undefined, `${name} is missing`);
    assert.deepEqual(
      [mine['size_bytes'], mine['read_only'], mine['removable']],
      [size, ro, rm],
      name,
    );
    assert.deepEqual(
      listOf(mine['partitions']).map((part) => [part['name'], part['size_bytes']]),
      children.filter((child) => child.type === 'part').map((child) => [child.name, child.size]),
      name,
    );
  }
  const disks = ours.filter((device) => device['kind'] === 'disk').map((device) => device['name']);
  for (const name of disks)
    assert.ok(
      theirs.some((row) => row.name === name),
      `${name} is invented`,
    );
});

const links = tool('ip', '-j', 'link');
test('ip agrees on interfaces', { skip: links === undefined && 'ip is not installed' }, () => {
  const theirs: readonly { ifname: string; mtu: number; address: string; operstate: string }[] =
    JSON.parse(links!);
  const ours = listOf(document.network['network']);
  assert.deepEqual(
    ours.map((link) => link['name']).toSorted(),
    theirs.map((link) => link.ifname).toSorted(),
  );
  for (const { ifname, mtu, address, operstate } of theirs) {
    const mine = ours.find((link) => link['name'] === ifname)!;
    const state = operstate === 'UNKNOWN' ? null : operstate.toLowerCase();
    assert.deepEqual(
      [mine['mtu_bytes'], mine['mac'], mine['state']],
      [mtu, address, state],
      ifname,
    );
  }
});

const listOf = (section: unknown): Record<string, unknown>[] =>
  Array.isArray(section) ? section : [];

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
