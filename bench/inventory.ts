import { parseArgs } from 'node:util';
import { inventoryDocument } from '../src/inventory/inventory-document.ts';
import { openHostReader } from '../src/inventory/io/host-reader.ts';
import { registry as probes } from '../src/inventory/registry.ts';
import { takeInventory } from '../src/inventory/take-inventory.ts';
import type { Bench } from './bench.ts';

/** Of the process: on a shared machine the wall clock measures the others. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

export const inventoryBench: Bench = {
  what: 'read this machine: full inventory, child processes, and the share of a core of the fast part at 1 Hz  [--runs N] [--sysroot DIR]',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string', default: '20' },
        sysroot: { type: 'string', default: '/' },
      },
    });
    const runs = Number(values.runs);
    const host = openHostReader({ sysroot: values.sysroot });
    let programs = 0;
    const counting: typeof host = {
      ...host,
      run: (...asked) => {
        programs++;
        return host.run(...asked);
      },
    };
    const first = performance.now();
    const inventory = await takeInventory(counting, probes);
    const bytes = JSON.stringify(inventoryDocument(inventory)).length;
    const firstMs = performance.now() - first;
    const times: number[] = [];
    for (let i = 0; i < runs; i++) {
      const before = performance.now();
      inventoryDocument(await takeInventory(host, probes));
      times.push(performance.now() - before);
    }
    times.sort((a, b) => a - b);
    const fast = probes.filter((probe) => probe.cost === 'fast');
    const rounds = runs * 25;
    for (let i = 0; i < rounds; i++) for (const probe of fast) await probe.read(host);
    const before = cpuMs();
    for (let i = 0; i < rounds; i++) for (const probe of fast) await probe.read(host);
    const fastMs = (cpuMs() - before) / rounds;
    return {
      runs,
      first_ms: round(firstMs),
      full_median_ms: round(times[times.length >> 1] ?? 0),
      full_max_ms: round(times.at(-1) ?? 0),
      child_processes: programs,
      document_bytes: bytes,
      fast_cpu_ms: round(fastMs),
      fast_share_of_core_at_1_hz: `${((fastMs / 1_000) * 100).toFixed(4)} %`,
    };
  },
};

const round = (ms: number): number => Number(ms.toFixed(3));
