import type {
  NodeLossDocument,
  WhatIfDocument,
  WhatIfGroup,
  WhatIfJob,
  WhatIfRequest,
} from '../../src/api/contract/what-if-documents.ts';

const MINUTE = 60_000;

export const whatIfGroup = (name: string, more: Partial<WhatIfGroup> = {}): WhatIfGroup => ({
  name,
  jobs: 4,
  wait_before_ms: 10 * MINUTE,
  wait_after_ms: 10 * MINUTE,
  sooner: 0,
  later: 0,
  never_before: 0,
  never_after: 0,
  share_before: 0.5,
  share_after: 0.5,
  charged_before: 0,
  charged_after: 0,
  ...more,
});

/** Starts at these moments, and takes an hour. */
export function whatIfJob(
  id: string,
  [before, after]: readonly [number | null, number | null],
  more: Partial<WhatIfJob> = {},
): WhatIfJob {
  const future = (at: number | null) => ({
    started_at: at,
    ended_at: at === null ? null : at + 60 * MINUTE,
  });
  const change = before === null || after === null ? null : after - before;
  return {
    id,
    name: `train-${id}`,
    kind: 'job',
    tenant: 'ada',
    queue: 'train',
    submitted_at: 0,
    runs: false,
    before: future(before),
    after: future(after),
    wait_change_ms: change,
    end_change_ms: change,
    run_time: 'history',
    goes_by_results: false,
    ...more,
  };
}

/** What becomes of two tasks and a service where a node is lost. */
const loss = (node: string, now: number): NodeLossDocument => ({
  node,
  lost: [
    {
      task: '1.train.0',
      name: 'quickstart',
      tenant: 'ada',
      redone_ms: 10 * MINUTE,
      again_at: now + MINUTE,
      again_on: 'lab-4',
      why: null,
    },
    {
      task: '2.s.0',
      name: 'frail',
      tenant: 'ben',
      redone_ms: 3 * MINUTE,
      again_at: null,
      again_on: null,
      why: 'it has no retry left',
    },
  ],
  lost_total: 2,
  recovered_at: null,
  delayed: 3,
  deadlines_missed: ['7'],
  services: [{ id: '3', name: 'chat', replicas_lost: 2, replicas_left: 1, short_ms: 90_000 }],
});

/** Ada waits less, and Eve pays for it; the run time of one job is a guess. */
export function whatIfAnswer(now: number, asked: Partial<WhatIfRequest> = {}): WhatIfDocument {
  const [node] = asked.lose_nodes ?? [];
  const window = asked.window === undefined ? undefined : 86_400_000;
  const mixed = {
    jobs: 9,
    wait_after_ms: 8 * MINUTE,
    charged_before: 12_000_000,
    charged_after: 10_500_000,
  };
  return {
    now,
    mode: window === undefined ? 'ahead' : 'window',
    from: now - (window ?? 0),
    until: now + (window === undefined ? 90 * MINUTE : 0),
    cut: null,
    changes: [
      ...(asked.set ?? []).map((text) => `set ${text}`),
      ...(asked.policy === undefined ? [] : [`policy ${asked.policy}`]),
      ...(asked.add_nodes ?? []).map((text) => `add node new-1 (${text})`),
      ...(asked.lose_nodes ?? []).map((text) => `lose node ${text}`),
    ],
    warnings: ['Of 1 node it is not known how fast it is'],
    total: whatIfGroup('', mixed),
    tenants: [
      whatIfGroup('ada', {
        jobs: 5,
        wait_after_ms: 4 * MINUTE,
        sooner: 4,
        share_after: 0.7,
        charged_before: 8_000_000,
        charged_after: 6_000_000,
      }),
      whatIfGroup('eve-of-the-very-long-name', {
        wait_after_ms: 13 * MINUTE,
        later: 3,
        share_after: 0.3,
        charged_before: 4_000_000,
        charged_after: 4_500_000,
      }),
    ],
    queues: [
      whatIfGroup('train', { wait_after_ms: 4 * MINUTE, sooner: 4 }),
      whatIfGroup('sweep', { wait_after_ms: 13 * MINUTE, later: 3 }),
    ],
    done_before: now + 90 * MINUTE,
    done_after: now + 82 * MINUTE,
    jobs: [
      whatIfJob('12', [now + 30 * MINUTE, now + 10 * MINUTE]),
      whatIfJob('14', [now + 5 * MINUTE, now + 20 * MINUTE], {
        tenant: 'eve-of-the-very-long-name',
        run_time: 'assumed',
        goes_by_results: true,
      }),
      whatIfJob('15', [now + 5 * MINUTE, null], { tenant: 'eve-of-the-very-long-name' }),
      whatIfJob('16', [now + 5 * MINUTE, now + 5 * MINUTE]),
    ],
    jobs_total: 4,
    run_times: { known: 8, guessed: 1, assumed_ms: 60 * MINUTE },
    sensitivity: [
      { factor: 0.5, wait_before_ms: 9 * MINUTE, wait_after_ms: 8 * MINUTE },
      { factor: 2, wait_before_ms: 19 * MINUTE, wait_after_ms: 19 * MINUTE },
    ],
    happened: window === undefined ? null : whatIfGroup('', mixed),
    node_loss: node === undefined ? null : loss(node, now),
    took_ms: 1_200,
  };
}
