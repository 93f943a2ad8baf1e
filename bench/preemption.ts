import { parseArgs } from 'node:util';
import { spanMs, timeMs } from '../src/base/units.ts';
import type { AttemptId, QueueName, TaskId, TenantId } from '../src/model/ids.ts';
import { planGang } from '../src/scheduling/gang.ts';
import { NodeTable } from '../src/scheduling/node-table.ts';
import { Occupancy } from '../src/scheduling/occupancy.ts';
import { decidePreemption } from '../src/scheduling/preemption.ts';
import type { Candidate } from '../src/scheduling/scheduler.ts';
import { findVictims } from '../src/scheduling/victim-search.ts';
import { GIB, node, resources } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, median } from './cpu-time.ts';

/** Full nodes of 8 GPUs, each with tasks of 1, 2 and 4 GPUs of many priorities and ages. */
function fullCluster(nodes: number): { table: NodeTable; occupancy: Occupancy<Candidate> } {
  const table = new NodeTable();
  const occupancy = new Occupancy<Candidate>();
  let number = 0;
  for (let i = 0; i < nodes; i++) {
    const row = table.join(node(`n${i}`, { cpu: 128_000, memory: 1024 * GIB, gpus: 8 }));
    for (const gpus of [
      [1, 1, 2, 4],
      [2, 2, 4],
      [4, 4],
      [1, 1, 1, 1, 1, 1, 1, 1],
    ][i % 4]!) {
      const held = resources({ cpu: gpus * 8_000, memory: gpus * 64 * GIB, gpu: gpus * 1000 });
      const ids = table.chooseGpus(row, held.gpu).map((gpu) => gpu.id);
      table.take(row, held, ids);
      number++;
      const running = {
        attempt: `${number}.s.0.1` as AttemptId,
        task: candidate(number, (number * 7) % 5),
        row,
        held,
        gpus: ids,
        placedAt: timeMs((number * 7_919) % 3_000_000),
      };
      occupancy.add(running);
    }
  }
  return { table, occupancy };
}

function candidate(number: number, priority: number): Candidate {
  return {
    id: `${number}.s.0` as TaskId,
    tenant: 'bench' as TenantId,
    queue: `q${number % 10}` as QueueName,
    priority,
    age: number,
    submittedAt: timeMs(0),
    stepIndex: 0,
    index: 0,
    shape: 0,
    deadlineAt: undefined,
    waitingSince: timeMs(0),
    attained: { cpu: 0, gpu: 0 },
    estimateMs: number % 2 === 0 ? spanMs(7_200_000) : undefined,
  };
}

const GANGS = {
  'members of 8 GPUs': { members: 8, ask: resources({ cpu: 64_000, memory: 0, gpu: 8000 }) },
  'members of 1 GPU': { members: 64, ask: resources({ cpu: 8_000, memory: 0, gpu: 1000 }) },
};

function decide(
  table: NodeTable,
  occupancy: Occupancy<Candidate>,
  gang: (typeof GANGS)[keyof typeof GANGS],
) {
  return decidePreemption(table, occupancy, {
    ...gang,
    task: candidate(1_000_000, 9),
    at: timeMs(3_600_000),
    options: { minRunMs: spanMs(0), perQueueHour: 1_000 },
    budget: () => 1_000,
  });
}

export const preemptionBench: Bench = {
  what: 'victims for a gang of 64 GPUs among full nodes of 8: fastest run in ms  [--nodes N] [--runs N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        nodes: { type: 'string', default: '10000' },
        runs: { type: 'string', default: '15' },
      },
    });
    const nodes = Number(values.nodes);
    const runs = Number(values.runs);
    const { table, occupancy } = fullCluster(nodes);
    const policy = {
      at: timeMs(3_600_000),
      mayStop: (o: { running: { task: Candidate } }) => o.running.task.priority < 9,
      allows: () => true,
      budget: () => 1_000_000,
    };
    return {
      nodes,
      running: occupancy.size,
      plan_ms: fastest(runs, () => planGang(table, GANGS['members of 8 GPUs'])),
      ...Object.fromEntries(
        Object.entries(GANGS).map(([name, gang]) => [
          name,
          {
            search_ms: fastest(runs, () =>
              findVictims(table, occupancy, { ...gang, policy, ranking: 'least-cost' }),
            ),
            decide_ms: fastest(runs, () => decide(table, occupancy, gang)),
          },
        ]),
      ),
    };
  },
};

/** CPU milliseconds of the whole decision, for the worse of the two gangs; median of the later half of the runs. */
export function gangOf64(nodes: number, runs: number): { readonly decideMs: number } {
  const { table, occupancy } = fullCluster(nodes);
  const medians = Object.values(GANGS).map((gang) => {
    const times = Array.from({ length: runs }, () => cpuOf(() => decide(table, occupancy, gang)));
    return median(times.slice(runs >> 1));
  });
  return { decideMs: Math.max(...medians) };
}

function fastest(runs: number, run: () => unknown): number {
  const times = Array.from({ length: runs }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return Number(times.sort((a, b) => a - b)[0]!.toFixed(2));
}
