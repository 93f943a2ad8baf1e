import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import {
  type BasisPoints,
  type BitsPerSecond,
  type Bytes,
  type MicroDollars,
  milliGpu,
  spanMs,
  timeMs,
  UNLIMITED,
} from '../../src/base/units.ts';
import { noConstraints } from '../../src/model/constraints.ts';
import type { Event } from '../../src/model/messages.ts';
import type { Gpu, GpuSharing, Node } from '../../src/model/node.ts';
import type {
  FailureTerms,
  GpuContentionTerms,
  NetworkTerms,
  OutageTerms,
  SpanTerms,
  SpotPoolTerms,
} from '../../src/model/world.ts';
import { estimatesNamed } from '../../src/simulation/estimates.ts';
import { AbsentNodes } from '../../src/simulation/models/absent-nodes.ts';
import { CheckpointCost } from '../../src/simulation/models/checkpoint-cost.ts';
import { drawSpan, gamma } from '../../src/simulation/models/drawn-spans.ts';
import { GpuContention } from '../../src/simulation/models/gpu-contention.ts';
import { chooseSlice, type SliceWish } from '../../src/simulation/models/gpu-slices.ts';
import { InputTransfers } from '../../src/simulation/models/input-transfers.ts';
import { NodeFailures } from '../../src/simulation/models/node-failures.ts';
import { Slowdowns } from '../../src/simulation/models/slowdowns.ts';
import { SpotNodes } from '../../src/simulation/models/spot-nodes.ts';
import type { SiteModel } from '../../src/simulation/site-model.ts';
import { job, machine, type PlayOptions, playTrace } from '../builders/simulation.ts';
import { resources, step } from '../builders/workload.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const retry = {
  ...step('s').retry,
  maxRetries: 50,
  backoffMs: spanMs(1_000),
  backoffFactor: 10_000 as BasisPoints,
};
const kill = (atMs: number): SiteModel => ({
  begin: (site) =>
    site.at(timeMs(atMs), () => {
      for (const attempt of [...site.engine.state.runningAttempts()]) site.kill(attempt, 'lost');
    }),
});

const span = (kind: SpanTerms['kind'], meanMs: number, shape = 1): SpanTerms => ({
  kind,
  meanMs: spanMs(meanMs),
  shape,
});

const draws: Record<string, { terms: SpanTerms; within: number; median: number }> = {
  exponential: { terms: span('exponential', HOUR), within: 0.03, median: Math.LN2 },
  // Medians: (ln 2)^(1/k) / Γ(1 + 1/k), and exp(−σ²/2).
  'Weibull, infant mortality': {
    terms: span('weibull', HOUR, 0.7),
    within: 0.05,
    median: Math.LN2 ** (1 / 0.7) / 1.26582,
  },
  'Weibull, wearing out': {
    terms: span('weibull', HOUR, 3),
    within: 0.02,
    median: Math.LN2 ** (1 / 3) / 0.89298,
  },
  lognormal: { terms: span('lognormal', HOUR, 1), within: 0.05, median: Math.exp(-0.5) },
  fixed: { terms: span('fixed', HOUR), within: 0, median: 1 },
};
for (const [name, { terms, within, median }] of Object.entries(draws)) {
  test(`spans are drawn with their mean and median: ${name}`, () => {
    const prng = new Prng(7);
    const all = Array.from({ length: 20_000 }, () => drawSpan(terms, prng)).sort((a, b) => a - b);
    const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
    assert.ok(Math.abs(mean / HOUR - 1) <= within, `mean ${mean / HOUR}`);
    assert.ok(Math.abs(all[10_000]! / HOUR - median) <= 0.03 * median + within / 2);
  });
}

test('the gamma function is that of the factorials', () => {
  for (const [x, want] of [
    [1, 1],
    [5, 24],
    [1.5, Math.sqrt(Math.PI) / 2],
    [11, 3_628_800],
  ] as const) {
    assert.ok(Math.abs(gamma(x) / want - 1) < 1e-12, `Γ(${x})`);
  }
});

const outage = (betweenMs: number, repairMs: number): OutageTerms => ({
  between: span('exponential', betweenMs),
  repair: span('fixed', repairMs),
});
const racked = (count: number, perRack: number): Node[] =>
  Array.from({ length: count }, (_, i) => ({
    ...machine(4, `n${i}`),
    labels: { rack: `r${Math.floor(i / perRack)}` },
  }));

/** Comings and goings of nodes until the one job, which nothing disturbs, ends. */
function lifeOf(nodes: readonly Node[], terms: Partial<FailureTerms>, days: number, seed = 1) {
  const failures = new NodeFailures({ groups: [], planned: [], ...terms }, new AbsentNodes(nodes));
  const safe = machine(64, 'safe');
  const { events, lines } = playTrace({
    jobs: [job('long', 0, (days * DAY) / 1000, { cpu: 64, step: { retry } })],
    nodes: [safe, ...nodes],
    models: [failures],
    seed,
  });
  const changes = events.flatMap((event) => {
    if (event.kind === 'node-left') return [{ at: event.at, node: event.node, up: false }];
    if (event.kind === 'node-joined') return [{ at: event.at, node: event.node.id, up: true }];
    return [];
  });
  return { changes: changes.filter(({ at }) => at > 0), lines };
}

test('nodes fail as often as their MTBF says, and are away as long as their MTTR', () => {
  const { changes } = lifeOf(racked(40, 40), { nodes: outage(10 * DAY, 2 * HOUR) }, 200);
  const failures = changes.filter(({ up }) => !up);
  // 40 nodes, 200 days, one in 10 days and 2 hours: about 793, with a deviation of 28.
  assert.ok(Math.abs(failures.length - 793) < 100, String(failures.length));
  for (const { at, node } of failures) {
    const back = changes.find((change) => change.up && change.node === node && change.at > at);
    if (back !== undefined) assert.equal(back.at - at, 2 * HOUR);
  }
});

test('another node changes nothing for those that are there', () => {
  const terms = { nodes: outage(10 * DAY, HOUR) };
  const few = lifeOf(racked(5, 5), terms, 100).changes;
  const more = lifeOf(racked(6, 6), terms, 100).changes;
  assert.ok(few.length > 20);
  assert.deepEqual(
    more.filter(({ node }) => node !== 'n5'),
    few,
  );
  assert.notDeepEqual(lifeOf(racked(5, 5), terms, 100, 2).changes, few, 'another seed');
});

test('a rack fails as one, and a node that was away by itself stays away until both are over', () => {
  const { changes } = lifeOf(
    racked(6, 3),
    {
      groups: [{ label: 'rack', ...outage(30 * DAY, 4 * HOUR) }],
      planned: [
        { afterMs: spanMs(HOUR), forMs: spanMs(2 * HOUR), who: { node: 'n0' } },
        { afterMs: spanMs(2 * HOUR), forMs: spanMs(3 * HOUR), who: { label: 'rack', value: 'r0' } },
      ],
    },
    90,
  );
  const planned = changes.filter(({ at }) => at <= 5 * HOUR);
  assert.deepEqual(
    planned.map(({ at, node, up }) => `${at / HOUR} ${node} ${up}`),
    ['1 n0 false', '2 n1 false', '2 n2 false', '5 n0 true', '5 n1 true', '5 n2 true'],
  );
  const later = changes.filter(({ at }) => at > 5 * HOUR);
  assert.ok(later.length >= 12);
  const byTime = Map.groupBy(later, ({ at }) => at);
  for (const [at, group] of byTime) {
    const racks = new Set(group.map(({ node }) => (Number(node.slice(1)) < 3 ? 'r0' : 'r1')));
    assert.deepEqual([group.length, racks.size], [3, 1], `at ${at}`);
  }
});

const checkpoints = { saveMs: spanMs(0), restartMs: spanMs(0), onStop: false };
const saving: Record<string, { options: PlayOptions; want: string }> = {
  'nothing is saved without checkpoints': {
    options: { jobs: [], models: [new CheckpointCost(checkpoints)] },
    want: '36 a#2 succeeded',
  },
  'what was done since the last one is done again': {
    options: {
      jobs: [],
      models: [new CheckpointCost({ ...checkpoints, everyMs: spanMs(4_000) })],
    },
    // 15 s of work, of which 12 were saved; 8 s are left at 16.
    want: '24 a#2 succeeded',
  },
  'reading what was saved takes its time': {
    options: {
      jobs: [],
      models: [
        new CheckpointCost({ ...checkpoints, everyMs: spanMs(4_000), restartMs: spanMs(3_000) }),
      ],
    },
    want: '27 a#2 succeeded',
  },
  'saving 1 s after each 4 s of work makes 20 s of them 25': {
    options: {
      jobs: [],
      models: [
        new CheckpointCost({ ...checkpoints, everyMs: spanMs(4_000), saveMs: spanMs(1_000) }),
      ],
    },
    // By 15 s it has worked for 12, all saved: 8 left at 0.8 from 16 on.
    want: '26 a#2 succeeded',
  },
};
for (const [name, { options, want }] of Object.entries(saving)) {
  test(`checkpoints: ${name}`, () => {
    const models = [...(options.models ?? []), kill(15_000)];
    const { lines } = playTrace({ jobs: [job('a', 0, 20, { step: { retry } })], models });
    assert.equal(lines.at(-1), want);
  });
}

test('checkpoints: a task with its own terms keeps to them, and one that is asked to stop saves', () => {
  const stops = {
    preemptible: true,
    checkpointMs: spanMs(6_000),
    restartMs: spanMs(2_000),
    minRunMs: spanMs(0),
  };
  const every = { ...checkpoints, everyMs: spanMs(7_000) };
  const model = (onStop: boolean) => new CheckpointCost({ ...every, onStop });
  const own = playTrace({
    jobs: [job('a', 0, 20, { step: { retry, stops } })],
    models: [model(false), kill(15_000)],
  });
  // 12 s saved; from 16 on 2 s of restart and 8 of work.
  assert.equal(own.lines.at(-1), '26 a#2 succeeded');
  const spot = { ...machine(4, 'spot'), labels: { spot: 'true' } };
  const noticed = (onStop: boolean) =>
    playTrace({
      jobs: [job('a', 0, 20, { step: { retry } })],
      nodes: [spot, machine(0, 'none')],
      models: [
        model(onStop),
        {
          begin: (site) => {
            site.at(timeMs(10_000), () => {
              const deadline = timeMs(site.now + 8_000);
              site.send({ kind: 'spot-notice', at: site.now, node: spot.id, deadline });
            });
            site.at(timeMs(17_999), () => {
              site.send({ kind: 'leave-node', at: site.now, node: spot.id });
              site.send({ kind: 'join-node', at: site.now, node: machine(4, 'other') });
            });
          },
        },
      ],
    }).lines.at(-1);
  // Told at 10 s, it ends a quarter of the notice later, at 12 s, and starts elsewhere at 17.999.
  assert.deepEqual(
    [noticed(true), noticed(false)],
    ['25.999 a#2 succeeded', '30.999 a#2 succeeded'],
  );
});

const shared = (sharing?: GpuSharing, mig?: Gpu['mig']): Node => ({
  ...machine(64, 'g'),
  gpus: [
    {
      id: 'gpu0',
      model: 'A100-SXM4-40GB',
      memory: (40 * 1024 ** 3) as Bytes,
      ...(sharing && { sharing }),
      ...(mig && { mig }),
    },
  ],
});
const quarter = { ...resources({ cpu: 1000, memory: 0 }), gpu: milliGpu(250) };
const instance = { ...resources({ cpu: 1000, memory: 0 }), gpu: milliGpu(142), mig: '1g.5gb' };
const contention: GpuContentionTerms = {
  sliceMs: 9,
  switchMs: 1,
  demand: 'whole',
  contention: 0.25,
};
const timeSlice: GpuSharing = { kind: 'time-slice', replicas: 4 };

const sharing: Record<
  string,
  { node: Node; terms?: Partial<GpuContentionTerms>; request?: typeof quarter; want: string[] }
> = {
  'in turns': {
    node: shared(timeSlice),
    // Alone until 2 s; then 0.45 each. a has 8 s left: 17.78 s more. b has done 8 s then, and 1 s is left.
    want: ['19.778 a', '20.778 b'],
  },
  'side by side': {
    node: shared({ kind: 'mps' }),
    // 0.5 / 1.25 = 0.4 each: a until 2 + 20 = 22; b has done 8 s then, and needs one more.
    want: ['22 a', '23 b'],
  },
  'each has the part that it asked for, and only changes cost': {
    node: shared(timeSlice),
    terms: { demand: 'request' },
    // 0.9 from 2 s on: a until 10.889; b has done 8 s then, and needs one more.
    want: ['10.889 a', '11.889 b'],
  },
  'instances of MIG do not mind each other': {
    node: shared(undefined, { kind: 'cut' }),
    request: instance,
    want: ['10 a', '11 b'],
  },
};
for (const [name, { node, terms, request = quarter, want }] of Object.entries(sharing)) {
  test(`two tasks on one GPU: ${name}`, () => {
    const { lines } = playTrace({
      jobs: [job('a', 0, 10, { step: { request } }), job('b', 2, 9, { step: { request } })],
      nodes: [node],
      models: [new GpuContention({ ...contention, ...terms }, [node])],
    });
    const ends = lines.filter((line) => line.endsWith('succeeded'));
    assert.deepEqual(
      ends,
      want.map((end) => `${end} succeeded`),
    );
  });
}

const slices: Record<string, { wish: Partial<SliceWish>; want: [number, number, string] }> = {
  'interactive: the longest slice within 40 ms': {
    wish: { tasks: 4, waitMaxMs: 40 },
    // 3 slices and 4 changes of 2.1 ms.
    want: [31.6 / 3, 40, ''],
  },
  'batch: no more than 2 % lost': {
    wish: { tasks: 2, overheadMax: 0.02 },
    want: [102.9, 107.1, ''],
  },
  'nothing wished: as long as the driver can': { wish: { tasks: 2 }, want: [500, 504.2, ''] },
  'both, where they do not go together: the wait is kept': {
    wish: { tasks: 4, waitMaxMs: 40, overheadMax: 0.02 },
    want: [31.6 / 3, 40, 'overhead'],
  },
  'a wait that no slice keeps': { wish: { tasks: 30, waitMaxMs: 20 }, want: [1, 92, 'wait'] },
};
for (const [name, { wish, want }] of Object.entries(slices)) {
  test(`a slice of time: ${name}`, () => {
    const all = { tasks: 2, switchMs: 2.1, sliceMinMs: 1, sliceMaxMs: 500, ...wish };
    const { sliceMs, waitMs, overhead, misses } = chooseSlice(all);
    assert.ok(Math.abs(sliceMs - want[0]) < 1e-9, `slice ${sliceMs}`);
    assert.ok(Math.abs(waitMs - want[1]) < 1e-9, `wait ${waitMs}`);
    assert.ok(Math.abs(overhead - 2.1 / (2.1 + sliceMs)) < 1e-12);
    assert.equal(misses.join(), want[2]);
  });
}

const network: NetworkTerms = {
  fabric: {
    spines: 1,
    nodeLink: 1e9 as BitsPerSecond,
    uplink: 1e9 as BitsPerSecond,
    storageLink: 1e9 as BitsPerSecond,
  },
  links: [],
  datasets: { photos: { size: 1_250_000_000 as Bytes, at: ['storage'] } },
  keeps: true,
  weights: { guaranteed: 4, burstable: 2, 'best-effort': 1 },
};
const wants = { data: [{ names: ['photos'], within: 'node' as const, weight: 1 }] };
const reads = { constraints: { ...noConstraints, ...wants }, retry };

const fetching: Record<
  string,
  { options: PlayOptions; terms?: Partial<NetworkTerms>; want: string[] }
> = {
  'ten gigabit over one take ten seconds before the work': {
    options: { jobs: [job('a', 0, 5, { step: reads })] },
    want: ['15 a succeeded'],
  },
  'whoever needs nothing begins at once': {
    options: { jobs: [job('a', 0, 5)] },
    want: ['5 a succeeded'],
  },
  'two nodes share the link of the storage': {
    options: {
      jobs: [job('a', 0, 5, { cpu: 4, step: reads }), job('b', 0, 5, { cpu: 4, step: reads })],
    },
    want: ['25 a succeeded', '25 b succeeded'],
  },
  'two tasks of one node fetch it once': {
    options: { jobs: [job('a', 0, 5, { step: reads }), job('b', 4, 5, { step: reads })] },
    want: ['15 a succeeded', '15 b succeeded'],
  },
  'what the node has kept is there already': {
    options: { jobs: [job('a', 0, 5, { step: reads }), job('b', 20, 5, { step: reads })] },
    want: ['15 a succeeded', '25 b succeeded'],
  },
  'unless it keeps nothing': {
    options: { jobs: [job('a', 0, 5, { step: reads }), job('b', 20, 5, { step: reads })] },
    terms: { keeps: false },
    want: ['15 a succeeded', '35 b succeeded'],
  },
  'who weighs twice as much has his first': {
    options: {
      jobs: [
        job('a', 0, 5, { cpu: 4, step: { ...reads, qos: 'guaranteed' } }),
        job('b', 0, 5, { cpu: 4, step: reads }),
      ],
    },
    // 2/3 of the link: 15 s; then b, of which a third of the time passed, has the link.
    want: ['20 a succeeded', '25 b succeeded'],
  },
  'every attempt fetches its own': {
    options: { jobs: [job('a', 0, 5), job('b', 0, 5)] },
    terms: { fetch: { size: 125_000_000 as Bytes, from: 'storage' } },
    want: ['7 a succeeded', '7 b succeeded'],
  },
};
const pair = ['m', 'n'].map((id) => ({ ...machine(4, id), labels: { rack: id } }));
for (const [name, { options, terms, want }] of Object.entries(fetching)) {
  test(`inputs: ${name}`, () => {
    const models = [new InputTransfers({ ...network, ...terms }, pair)];
    const { lines } = playTrace({ nodes: pair, models, ...options });
    assert.deepEqual(
      lines.filter((line) => line.endsWith('succeeded')),
      want,
    );
  });
}

test('inputs: from a node that is lost they are fetched again from another', () => {
  const nodes = [...pair, { ...machine(0, 'near'), labels: { rack: 'm', 'data/photos': '' } }];
  const model = new InputTransfers(network, nodes);
  const absent = new AbsentNodes(nodes);
  const planned = [{ afterMs: spanMs(5_000), forMs: UNLIMITED as never, who: { node: 'near' } }];
  const failures = new NodeFailures({ groups: [], planned }, absent);
  const { lines } = playTrace({
    jobs: [job('a', 0, 5, { step: reads })],
    nodes,
    models: [model, failures],
  });
  assert.equal(lines.at(-1), '20 a succeeded', '5 s for nothing, then 10 from the storage');
});

test('inputs: a link that is down for a while costs as long', () => {
  const failures = { between: span('fixed', 3_000), repair: span('fixed', 4_000) };
  const only = [{ a: 'storage', b: 'm', capacity: 1e9 as BitsPerSecond }];
  const { fabric: _, ...rest } = network;
  const { lines } = playTrace({
    jobs: [job('a', 0, 5, { step: reads })],
    nodes: [machine(4, 'm')],
    models: [new InputTransfers({ ...rest, links: only, failures }, [machine(4, 'm')])],
  });
  // Up for 3 s of every 7: 10 s of transfer are done in the fourth stretch, at 22 s.
  assert.equal(lines.at(-1), '27 a succeeded');
});

const pool: SpotPoolTerms = {
  base: 1_000_000 as MicroDollars,
  onDemand: 3_000_000 as MicroDollars,
  bid: 2_000_000 as MicroDollars,
  noticeMs: spanMs(120_000),
  awayMs: spanMs(600_000),
  stepMs: spanMs(60_000),
  betweenMs: spanMs(5 * HOUR),
  tremble: 200 as BasisPoints,
  reversion: 500 as BasisPoints,
  jumpsPerMillion: 0,
  jumpMax: 10_000 as BasisPoints,
};

function spotDays(terms: Partial<SpotPoolTerms>, seed = 1) {
  const spot = [0, 1, 2, 3].map((i) => ({ ...machine(4, `s${i}`), labels: { spot: 'true' } }));
  const nodes = [machine(1, 'own'), ...spot];
  const prices = [
    { at: timeMs(1_000), price: 1_000_000 as MicroDollars },
    { at: timeMs(1_000 + HOUR), price: 2_500_000 as MicroDollars },
    { at: timeMs(1_000 + 2 * HOUR), price: 900_000 as MicroDollars },
  ];
  const model = new SpotNodes(
    [{ ...pool, ...terms }],
    new AbsentNodes(nodes),
    new Map([['prices.csv', prices]]),
  );
  const { events } = playTrace({
    jobs: [job('own', 0, (10 * DAY) / 1000, { cpu: 1, step: { retry } })],
    nodes,
    models: [model],
    seed,
  });
  return events;
}

test('spot nodes are taken with a notice, stay away, and come back', () => {
  const events = spotDays({});
  const notices = events.filter((event) => event.kind === 'spot-noticed');
  // Four nodes, ten days, taken each 5 h and away for 12 minutes: about 185.
  assert.ok(notices.length > 120 && notices.length < 250, String(notices.length));
  for (const { at, deadline, node } of notices) {
    assert.equal(deadline - at, 120_000);
    const left = events.find(
      (event) => event.kind === 'node-left' && event.node === node && event.at >= at,
    );
    assert.equal(left?.at ?? deadline - 1, deadline - 1);
    const back = events.find(
      (event) => event.kind === 'node-joined' && event.node.id === node && event.at > at,
    );
    if (back !== undefined) assert.equal(back.at, deadline + 600_000);
  }
});

test('spot nodes: while the price is above the bid none is given', () => {
  const events = spotDays({ prices: 'prices.csv', betweenMs: UNLIMITED as never });
  const priced = events.filter((event) => event.kind === 'spot-priced');
  assert.deepEqual(
    priced.map(({ at, quotes }) => [at / HOUR, quotes[0]!.price]),
    [
      [0, 1_000_000],
      [1, 2_500_000],
      [2, 900_000],
    ],
  );
  const moves = events.filter((event) => event.at > 0 && /^node-/.test(event.kind));
  const timesOf = (kind: Event['kind']): number[] => [
    ...new Set(moves.filter((event) => event.kind === kind).map(({ at }) => at)),
  ];
  assert.deepEqual(timesOf('node-left'), [HOUR + 119_999]);
  assert.deepEqual(timesOf('node-joined'), [2 * HOUR]);
});

test('machines that lose 40 % of their pace within ten hours', () => {
  const nodes = [machine(4, 'm'), { ...machine(4, 'hot'), labels: { room: 'south' } }];
  const slow = { afterMs: spanMs(HOUR), overMs: spanMs(10 * HOUR), pace: 0.6 };
  const run = (terms: typeof slow & { label?: string; value?: string }) =>
    playTrace({
      jobs: [
        job('a', 0, 1800, { cpu: 4 }),
        job('b', 1, 1800, { cpu: 4 }),
        job('c', 12 * 3600, 1800, { cpu: 4 }),
        job('d', 12 * 3600 + 1, 1800, { cpu: 4 }),
      ],
      nodes,
      models: [new Slowdowns([terms], nodes)],
    }).lines.filter((line) => line.endsWith('succeeded'));
  assert.deepEqual(run(slow), [
    '1800 a succeeded',
    '1801 b succeeded',
    '46200 c succeeded',
    '46201 d succeeded',
  ]);
  assert.deepEqual(run({ ...slow, label: 'room', value: 'south' }).slice(2), [
    '45000 c succeeded',
    '46201 d succeeded',
  ]);
});

test('estimates: as said, as it is, and the mean of the last two of the user, at most what he says', () => {
  const jobs = [
    job('a', 0, 10, { cpu: 4, said: 100 }),
    job('b', 20, 30, { cpu: 4, said: 100 }),
    job('c', 60, 50, { cpu: 4, said: 100 }),
    job('d', 120, 5, { cpu: 4, said: 100 }),
    job('e', 130, 5, { cpu: 4, said: 15 }),
    job('f', 140, 5, { cpu: 4, said: 70, tenant: 'ben' }),
  ];
  const told = (estimates: PlayOptions['estimates']) =>
    playTrace({ jobs, ...(estimates && { estimates }) }).events.flatMap((event) =>
      event.kind === 'workload-submitted' ? [event.spec.steps[0]!.estimateMs! / 1000] : [],
    );
  assert.deepEqual(told(estimatesNamed.user()), [100, 100, 100, 100, 15, 70]);
  assert.deepEqual(told(estimatesNamed.exact()), [10, 30, 50, 5, 5, 5]);
  assert.deepEqual(told(estimatesNamed['last-two']()), [100, 10, 20, 40, 15, 70]);
});

test('estimates: what Berth foresees comes nearer to the truth than what users say', () => {
  const prng = new Prng(3);
  const jobs = Array.from({ length: 300 }, (_, i) => {
    const tenant = prng.pick(['ada', 'ben', 'eve']);
    const usual = { ada: 20, ben: 60, eve: 200 }[tenant]!;
    return job(`j${i}`, i * 30, prng.between(usual / 2, usual * 2), { tenant, said: 3_600 });
  });
  const errorOf = (name: keyof typeof estimatesNamed): number => {
    const estimates = estimatesNamed[name]();
    const { events } = playTrace({ jobs, nodes: [machine(64)], estimates });
    const told = events.flatMap((event) =>
      event.kind === 'workload-submitted' ? [event.spec.steps[0]!.estimateMs!] : [],
    );
    // The mean factor by which it is too much or too little, over the second half.
    const factors = jobs
      .slice(150)
      .map(({ runMs }, i) => Math.abs(Math.log(told[i + 150]! / runMs)));
    return factors.reduce((sum, factor) => sum + factor, 0) / factors.length;
  };
  assert.equal(errorOf('exact'), 0);
  const [user, lastTwo, predicted] = [errorOf('user'), errorOf('last-two'), errorOf('predicted')];
  assert.ok(lastTwo < user / 4 && predicted < lastTwo, `${user} ${lastTwo} ${predicted}`);
});
