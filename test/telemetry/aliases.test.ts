import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aliases, aliasOf, readAlias } from '../../src/telemetry/aliases.ts';
import { families } from '../../src/telemetry/families.ts';
import { historyName, type Reading } from '../../src/telemetry/metric.ts';

const world: readonly Reading[] = [
  { name: 'berth_node_cpu_busy_ratio', labels: {}, value: 0.915 },
  { name: 'berth_node_memory_used_bytes', labels: {}, value: 6_000 },
  { name: 'berth_node_memory_total_bytes', labels: {}, value: 8_000 },
  { name: 'berth_node_memory_available_bytes', labels: {}, value: 2_000 },
  { name: 'berth_node_swap_used_bytes', labels: {}, value: 0 },
  { name: 'berth_node_swap_total_bytes', labels: {}, value: 0 },
  { name: 'berth_node_disk_read_bytes_per_second', labels: { device: 'sda' }, value: 10 },
  { name: 'berth_node_disk_written_bytes_per_second', labels: { device: 'sda' }, value: 5 },
  { name: 'berth_node_disk_read_bytes_per_second', labels: { device: 'sdb' }, value: 7 },
  { name: 'berth_node_filesystem_available_bytes', labels: { mount: '/' }, value: 25 },
  { name: 'berth_node_filesystem_size_bytes', labels: { mount: '/' }, value: 100 },
  { name: 'berth_service_tasks', labels: { state: 'waiting' }, value: 3 },
  { name: 'berth_service_tasks', labels: { state: 'running' }, value: 9 },
];
const latest = (name: string) => world.filter((one) => one.name === name);

describe('short names of metrics', () => {
  const cases: Record<string, readonly { labels: object; value: number }[]> = {
    cpu_utilization: [{ labels: {}, value: 91.5 }],
    memory_usage: [{ labels: {}, value: 75 }],
    memory_available: [{ labels: {}, value: 2_000 }],
    // Nothing of nothing is not a share.
    swap_usage: [],
    // Of sdb only what is read is known.
    disk_io: [{ labels: { device: 'sda' }, value: 15 }],
    disk_usage: [{ labels: { mount: '/' }, value: 75 }],
    model_queue_depth: [{ labels: {}, value: 3 }],
    gpu_utilization: [],
  };
  for (const [name, want] of Object.entries(cases)) {
    it(`tells ${name} from what is measured`, () => {
      const alias = aliasOf(name);
      assert.ok(alias);
      assert.deepEqual(
        readAlias(alias, latest).map(({ labels, value }) => ({ labels, value })),
        want,
      );
    });
  }

  it('are told from families of the catalogue, none of them twice', () => {
    const known = new Set(families.map(historyName));
    for (const { names } of aliases) {
      for (const name of names) assert.ok(known.has(name), name);
    }
    assert.equal(new Set(aliases.map(({ alias }) => alias)).size, aliases.length);
    assert.ok(aliases.every(({ alias }) => !known.has(alias)));
  });

  it('knows no other name', () => assert.equal(aliasOf('constructor'), undefined));
});
