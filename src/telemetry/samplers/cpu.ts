import { cpuUse, parseTicksByCpu, type TicksByCpu } from '../cpu-use.ts';
import type { Reading } from '../metric.ts';
import { type CpuTicks, parseCpuTicks } from '../proc-counters.ts';
import { type FileSampler, reading } from '../sampler.ts';

const STAT = '/proc/stat';
/** Kinds of soft interrupts in the order of /proc/stat, after their sum (kernel: include/linux/interrupt.h). */
const SOFTIRQS = [
  'hi',
  'timer',
  'net_tx',
  'net_rx',
  'block',
  'irq_poll',
  'tasklet',
  'sched',
  'hrtimer',
  'rcu',
];

/** How busy the CPUs are, and what they are interrupted by. */
export const cpuSampler: FileSampler = {
  name: 'cpu',
  kind: 'kept',
  everyMs: 1_000,
  files: [STAT],
  families: [
    'berth_node_cpu_busy_ratio',
    'berth_node_cpu_core_busy_ratio',
    'berth_node_cpu_stolen_ratio',
    'berth_node_processes',
    'berth_node_context_switches_total',
    'berth_node_interrupts_total',
    'berth_node_softirqs_total',
    'berth_node_forks_total',
  ],
  open() {
    let before: { readonly all: CpuTicks | undefined; readonly each: TicksByCpu } | undefined;
    return (texts) => {
      const stat = texts.get(STAT);
      if (stat === undefined) return [];
      const now = { all: parseCpuTicks(stat), each: parseTicksByCpu(stat) };
      const last = before;
      before = now;
      return [...(last === undefined ? [] : busy(last, now)), ...counts(stat), ...softirqs(stat)];
    };
  },
};

function busy(
  before: { readonly all: CpuTicks | undefined; readonly each: TicksByCpu },
  after: { readonly all: CpuTicks | undefined; readonly each: TicksByCpu },
): Reading[] {
  const [from, to] = [before.all, after.all];
  const readings: Reading[] = [];
  if (from && to && to.busy >= from.busy && to.idle >= from.idle && to.stolen >= from.stolen) {
    const stolen = to.stolen - from.stolen;
    const all = to.busy - from.busy + to.idle - from.idle + stolen;
    if (all > 0) {
      readings.push(
        ...reading('berth_node_cpu_busy_ratio', (to.busy - from.busy) / all),
        ...reading('berth_node_cpu_stolen_ratio', stolen / all),
      );
    }
  }
  for (const { id, busyRatio } of cpuUse(before.each, after.each)) {
    readings.push({
      name: 'berth_node_cpu_core_busy_ratio',
      labels: { cpu: `${id}` },
      value: busyRatio,
    });
  }
  return readings;
}

function counts(stat: string): Reading[] {
  const line = (key: string): number | undefined => {
    const digits = new RegExp(`^${key} (\\d{1,16})\\b`, 'm').exec(stat)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  return [
    ...reading('berth_node_context_switches_total', line('ctxt')),
    ...reading('berth_node_interrupts_total', line('intr')),
    ...reading('berth_node_forks_total', line('processes')),
    ...reading('berth_node_processes', line('procs_running'), { state: 'running' }),
    ...reading('berth_node_processes', line('procs_blocked'), { state: 'blocked' }),
  ];
}

function softirqs(stat: string): Reading[] {
  const [, ...kinds] = (/^softirq ([\d ]+)$/m.exec(stat)?.[1] ?? '').trim().split(' ').map(Number);
  if (kinds.length !== SOFTIRQS.length) return [];
  return SOFTIRQS.map((kind, i) => ({
    name: 'berth_node_softirqs_total',
    labels: { kind },
    value: kinds[i]!,
  }));
}
