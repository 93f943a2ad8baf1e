import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueueList } from '../../src/api/contract/queue-documents.ts';
import {
  burnText,
  intervalText,
  kpisSentence,
  kpiText,
  targetText,
} from '../../web/src/kpi-words.ts';
import { tenantRows } from '../../web/src/tenant-rows.ts';
import { monthOfKpis } from '../browser/telemetry-scenes.ts';

const amounts = (cpu: number, memory: number, gpu: number) => ({
  cpu_milli: cpu,
  memory_bytes: memory,
  gpu_milli: gpu,
});

test('a tenant is the sum of what it holds in the leaves, with what it used before', () => {
  const queue = (name: string, parent: string | null, tenants: readonly [string, number][]) => ({
    name,
    parent,
    tenants: tenants.map(([tenant, cpu]) => ({
      tenant,
      running: 1,
      held: amounts(cpu, 100, 0),
    })),
  });
  const queues = {
    capacity: amounts(10_000, 1_000, 0),
    queues: [
      queue('root', null, [['ada', 9_999]]),
      queue('a', 'root', [
        ['ada', 2_000],
        ['bob', 1_000],
      ]),
      queue('b', 'root', [['ada', 3_000]]),
    ],
  } as unknown as QueueList;
  const rows = tenantRows({
    queues,
    report: {
      rows: [
        { group: ['eve'], cost: 5 },
        { group: [null], cost: 9 },
      ],
    } as never,
    cpu: [{ labels: { tenant: 'ada' }, value: 1.5, at: 0 }],
    memory: undefined,
  });
  assert.deepEqual(
    rows.map(({ tenant, running, cpuHeldMilli, share, cpusUsed, past }) => [
      tenant,
      running,
      cpuHeldMilli,
      share,
      cpusUsed,
      past?.cost,
    ]),
    [
      ['ada', 2, 5_000, 0.5, 1.5, undefined],
      ['bob', 1, 1_000, 0.1, undefined, undefined],
      ['eve', 0, 0, 0, undefined, 5],
    ],
  );
  assert.deepEqual(
    tenantRows({ queues: undefined, report: undefined, cpu: undefined, memory: undefined }),
    [],
  );
});

test('indicators are told in their unit, with the direction of their target', () => {
  const list = monthOfKpis(1_795_000_000_000);
  const [use, success, cost, repair, latency] = list.kpis;
  assert.deepEqual(
    [use, success, cost, repair, latency].map((kpi) => [
      kpiText(kpi!, kpi!.value),
      targetText(kpi!),
    ]),
    [
      ['74%', '≥ 85%'],
      ['96%', '≥ 95%'],
      ['$0.0008', '≤ $0.001'],
      ['71.3 min', '≤ 15 min'],
      ['—', '≤ 50 ms'],
    ],
  );
  assert.equal(intervalText(success!), '94% … 98%');
  assert.equal(intervalText(use!), '—');
  assert.equal(burnText(list.objectives[0]!.windows[0]!), '16× in 1h, 19× in 5m; fires from 14.4×');
});

test('the sentence above the indicators names the worst that misses its target', () => {
  const list = monthOfKpis(1_795_000_000_000);
  const only = (...names: string[]) => ({
    ...list,
    objectives: [],
    kpis: list.kpis.filter(({ name }) => names.includes(name)),
  });
  const table = [
    [only(), 'Nothing has happened yet that an indicator could be told from.'],
    [
      only('inference_latency_p99'),
      'Nothing has happened yet that an indicator could be told from.',
    ],
    [only('cost_per_inference'), 'The one indicator meets its target.'],
    [
      only('cost_per_inference', 'training_job_success_rate'),
      'All 2 indicators meet their targets.',
    ],
    [
      only('cluster_utilization', 'cost_per_inference'),
      '1 of 2 indicators misses its target. The CPU was 74% busy, less than 85%.',
    ],
    [
      only('cluster_utilization', 'mttr_minutes'),
      '2 of 2 indicators miss their target. A failure took 71 minutes to repair, more than 60.',
    ],
  ] as const;
  for (const [given, sentence] of table) assert.equal(kpisSentence(given), sentence);
});
