import { formatBytes } from '../../../base/format.ts';
import type { Facts, RunningTask } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { attemptParty } from '../parties.ts';
import { ranked } from '../remedies.ts';
import { percent, type Verdict } from '../report.ts';
import type { MetricWindow } from '../window.ts';

/** Of all that is held; below that it is headroom. */
const UNUSED_MIN = 0.5;
/** It harms those who wait, and breaks nothing. */
const SCORE_MAX = 0.39;
const PARTIES_MAX = 5;

/** Waste in our own allocations: memory that running tasks hold and never used, while others wait for room. */
export function heldUnusedRule(window: MetricWindow, facts: Facts): Verdict {
  const uses = facts.tasks.flatMap((task) => {
    const peak = window.max('berth_task_memory_bytes', { attempt: task.attempt });
    return peak === undefined ? [] : [{ task, unused: Math.max(0, task.memoryHeldBytes - peak) }];
  });
  const held = uses.reduce((sum, { task }) => sum + task.memoryHeldBytes, 0);
  const unused = uses.reduce((sum, one) => sum + one.unused, 0);
  if (held === 0) return { findings: [], looked: [] };
  const ratio = unused / held;
  const sentence = `Of ${formatBytes(held)} that ${uses.length === 1 ? '1 running task holds' : `${uses.length} running tasks hold`}, ${formatBytes(unused)} (${percent(ratio)}) were never used in this time.`;
  const looked = [
    {
      resource: 'memory held by tasks',
      utilisation: 1 - ratio,
      saturation: undefined,
      errors: undefined,
      sentence,
    },
  ];
  if (facts.waitingTasks === 0 || ratio < UNUSED_MIN) return { findings: [], looked };
  const wasters = uses
    .toSorted((a, b) => b.unused - a.unused || (a.task.attempt < b.task.attempt ? -1 : 1))
    .slice(0, PARTIES_MAX);
  const finding = makeFinding({
    id: 'memory-held-unused',
    kind: 'memory-held-unused',
    resource: 'memory',
    score: Math.min(SCORE_MAX, ratio * SCORE_MAX),
    sentence: `${sentence} Meanwhile ${facts.waitingTasks === 1 ? '1 task waits' : `${facts.waitingTasks} tasks wait`}.`,
    since: undefined,
    evidence: [
      {
        name: 'berth_node_memory_held_bytes',
        labels: {},
        unit: 'bytes',
        value: unused,
        threshold: held * UNUSED_MIN,
        sentence: 'Held and not used',
      },
    ],
    culprits: wasters.map(({ task, unused: amount }) => ({
      ...attemptParty(task, amount / Math.max(1, unused)),
      sentence: `holds ${formatBytes(task.memoryHeldBytes)} and used at most ${formatBytes(task.memoryHeldBytes - amount)}`,
    })),
    remedies: ranked(wasters.slice(0, 1).map(({ task, unused: amount }) => shrink(task, amount))),
  });
  return { findings: [finding], looked };
}

function shrink(task: RunningTask, unused: number) {
  const peak = task.memoryHeldBytes - unused;
  const to = Math.max(32, Math.ceil((peak * 1.2) / 1024 ** 2));
  return {
    force: 'prevent' as const,
    remedy: {
      title: `Ask for ${formatBytes(to * 1024 ** 2)} for ${task.workload}`,
      why: 'That is a fifth more than it used in this time.',
      risk: 'medium' as const,
      effect: 'The rest is free for those who wait; if it needs more later, it ends or waits.',
      command: `berth adjust ${task.workload} --step ${task.step} --memory ${to}Mi`,
    },
  };
}
