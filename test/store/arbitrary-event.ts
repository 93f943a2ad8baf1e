import fc from 'fast-check';
import type { Event } from '../../src/model/messages.ts';

/** Plain objects, as JSON.parse makes them. */
const record = (model: Record<string, fc.Arbitrary<unknown>>, requiredKeys = Object.keys(model)) =>
  fc.record(model, { requiredKeys, noNullPrototype: true });

const whole = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const text = fc.string({ unit: 'binary', maxLength: 12 });
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,5}$/);
const workload = fc.nat().map(String);
const task = fc.tuple(workload, id, fc.nat(99)).map((parts) => parts.join('.'));
const attempt = fc.tuple(task, fc.integer({ min: 1, max: 9 })).map((parts) => parts.join('.'));
// JSON.parse makes an own `__proto__`; the daemon never lets such a key in.
const key = id.filter((name) => name !== '__proto__');
const textMap = fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true });
const custom = fc.array(fc.tuple(text, whole), { maxLength: 2 });
const resources = record(
  {
    cpu: whole,
    memory: whole,
    gpu: whole,
    gpuMemory: whole,
    mig: text,
    gpuFor: workload,
    custom,
  },
  ['cpu', 'memory', 'gpu', 'custom'],
);
const gpu = record(
  {
    id: text,
    model: text,
    memory: whole,
    numa: whole,
    vendor: fc.constantFrom('amd', 'intel'),
    sharing: fc.constantFrom({ kind: 'exclusive' }, { kind: 'time-slice', replicas: 4 }),
    mig: fc.constantFrom({ kind: 'cut' }, { kind: 'instance', profile: '1g.5gb' }),
  },
  ['id', 'model', 'memory'],
);

const texts = fc.array(text, { maxLength: 2 });
const flowValue = fc
  .jsonValue({ maxDepth: 2, depthSize: 'small' })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('__proto__', 'proto')) as unknown);
const flowValues = fc.dictionary(key, flowValue, { maxKeys: 2, noNullPrototype: true });
const flow = record(
  {
    condition: text,
    each: fc.oneof(
      record({ kind: fc.constant('items'), items: fc.array(flowValue, { maxLength: 2 }) }),
      record({ kind: fc.constant('expression'), expression: text, max: whole }),
    ),
    holes: fc.constant(true),
    onFailure: fc.constantFrom('fail', 'continue'),
    group: record({ id, maxParallel: whole }),
    cache: record({
      ttlMs: whole,
      sharedBy: fc.constantFrom('tenant', 'everybody'),
      inputs: texts,
      artefacts: texts,
      salt: text,
    }),
  },
  ['onFailure'],
);
const label = fc.oneof(
  record({ operator: fc.constantFrom('in', 'not-in'), key: text, values: texts }),
  record({ operator: fc.constantFrom('exists', 'does-not-exist'), key: text }),
  record({ operator: fc.constantFrom('gt', 'lt'), key: text, value: fc.integer() }),
);
const company = {
  kind: fc.constantFrom('near', 'apart', 'spread'),
  label: text,
  values: texts,
  topology: text,
  maxSkew: whole,
  weight: whole,
};
const few = (one: fc.Arbitrary<unknown>) => fc.array(one, { maxLength: 2 });
const constraints = record(
  {
    gpuModels: texts,
    gpuMemory: whole,
    labels: fc.array(label, { maxLength: 3 }),
    preferred: few(record({ weight: whole, label })),
    tolerations: few(record({ key: text, value: text }, [])),
    company: few(record(company, ['kind', 'values', 'topology', 'maxSkew', 'weight'])),
    data: few(record({ names: texts, within: text, weight: whole })),
    gpuAlone: fc.constant(true),
  },
  ['gpuModels', 'gpuMemory', 'labels'],
);

const share = fc.oneof(
  record({ kind: fc.constant('count'), count: whole }),
  record({ kind: fc.constant('part'), part: whole }),
);
const probe = record({
  check: fc.oneof(
    record({ kind: fc.constant('http'), path: text, port: whole }),
    record({ kind: fc.constant('tcp'), port: text }),
    record({ kind: fc.constant('exec'), argv: fc.array(text, { maxLength: 2 }) }),
  ),
  everyMs: whole,
  timeoutMs: whole,
  failures: whole,
  successes: whole,
  initialDelayMs: whole,
});
const scalingStep = record({ replicas: whole, cooldownMs: whole });
const autoscaling = record({
  metrics: fc.array(
    fc.oneof(
      record({ kind: fc.constantFrom('cpu', 'memory'), target: whole }),
      record({ kind: fc.constant('queue-depth'), target: whole, queue: id }),
      record({
        kind: fc.constant('custom'),
        target: whole,
        name: text,
        from: fc.oneof(
          record({ kind: fc.constant('url'), url: text }),
          record({ kind: fc.constant('file'), path: text }),
        ),
      }),
    ),
    { maxLength: 3 },
  ),
  minReplicas: whole,
  maxReplicas: whole,
  up: scalingStep,
  down: scalingStep,
});
const service = record(
  {
    ports: fc.array(text, { maxLength: 2 }),
    startup: probe,
    readiness: probe,
    liveness: probe,
    restart: record({ backoffMs: whole, backoffMaxMs: whole, resetAfterMs: whole }),
    update: record({
      strategy: fc.constantFrom('rolling', 'blue-green', 'canary'),
      maxSurge: share,
      maxUnavailable: share,
      canary: record({ replicas: share, holdMs: whole }),
      rollback: fc.boolean(),
      deadlineMs: whole,
    }),
    drainMs: whole,
    autoscaling,
  },
  ['ports', 'restart', 'update', 'drainMs'],
);

const step = record(
  {
    id,
    needs: fc.array(id, { maxLength: 2 }),
    run: fc.oneof(
      record({ kind: fc.constant('argv'), argv: fc.array(text, { maxLength: 3 }) }),
      record({ kind: fc.constant('shell'), script: text }),
    ),
    count: whole,
    maxParallel: whole,
    request: resources,
    inPlaceOf: record({ gpu: whole, gpuMemory: whole, mig: text }, ['gpu']),
    limits: record(
      {
        cpu: whole,
        memory: whole,
        pids: whole,
        wallMs: whole,
        graceMs: whole,
        logBytes: whole,
        modelCalls: whole,
        tokens: whole,
        results: whole,
      },
      ['cpu', 'memory', 'pids', 'wallMs', 'graceMs', 'logBytes'],
    ),
    retry: record({
      maxRetries: whole,
      backoffMs: whole,
      backoffFactor: whole,
      backoffMaxMs: whole,
      memoryGrowth: whole,
    }),
    env: textMap,
    cwd: text,
    estimateMs: whole,
    gangMin: whole,
    gather: record({ alike: text, waitMs: whole, max: whole }),
    topology: record({ label: text, required: fc.boolean() }),
    stops: record(
      {
        preemptible: fc.boolean(),
        checkpointMs: whole,
        restartMs: whole,
        minRunMs: whole,
        preemptionPriority: whole,
      },
      ['preemptible', 'restartMs', 'minRunMs'],
    ),
    qos: fc.constantFrom('best-effort', 'burstable', 'guaranteed'),
    execution: record({
      process: record({ cpuShare: whole, memoryGuarantee: whole }, []),
    }),
    constraints,
    service,
    flow,
  },
  ['id', 'needs', 'run', 'count', 'maxParallel', 'request', 'limits', 'retry', 'env', 'cwd'],
);

const terms = fc.array(record({ term: text, by: fc.constantFrom('kernel', 'none'), note: text }), {
  maxLength: 2,
});
const usage = record({ wallMs: whole, cpuMs: whole, memoryPeak: whole, logBytes: whole }, []);
const used = record({ modelCalls: whole, tokens: whole, results: whole, requests: whole }, []);
const end = record(
  {
    cause: fc.constantFrom('succeeded', 'oom-killed', 'lost'),
    exitCode: fc.integer({ min: -255, max: 255 }),
    signal: fc.constant('SIGKILL'),
    usage,
    used,
    enforced: record(
      {
        driver: fc.constantFrom('cgroup-v2', 'unknown'),
        cpu: fc.constantFrom('quota', 'none'),
        memory: fc.constantFrom('kernel', 'watchdog'),
        pids: fc.constantFrom('rlimit', 'none'),
        notes: fc.array(text, { maxLength: 2 }),
        terms,
      },
      ['driver', 'cpu', 'memory', 'pids', 'notes'],
    ),
    outputs: flowValues,
    cachedFrom: record({ attempt, at: whole }),
    message: text,
  },
  ['cause', 'usage', 'enforced'],
);

const of = <K extends Event['kind']>(
  kind: K,
  fields: Record<string, fc.Arbitrary<unknown>>,
  requiredKeys = Object.keys(fields),
) => record({ kind: fc.constant(kind), at: fc.nat(), ...fields }, ['kind', 'at', ...requiredKeys]);

const reserved = record({ amount: whole, perHour: whole, until: whole, unpriced: few(text) }, [
  'amount',
  'perHour',
  'until',
]);
const facts = record(
  { budget: text, tenant: id, spent: whole, reserved: whole, asked: whole, limit: whole },
  ['budget', 'spent', 'reserved', 'asked', 'limit'],
);
const spending = record(
  { tenant: id, queue: id, what: text, amount: whole, tokens: whole, calls: whole },
  ['tenant', 'queue', 'what', 'tokens', 'calls'],
);

const move = record({ attempt, from: id, to: id, cores: few(whole) }, ['attempt', 'from', 'to']);
const spec = record(
  {
    kind: fc.constantFrom('job', 'pipeline', 'service'),
    name: text,
    queue: id,
    priority: fc.integer({ min: -1000, max: 1000 }),
    class: record({ name: text, priority: fc.integer({ min: -1000, max: 1000 }) }, ['name']),
    labels: textMap,
    steps: fc.array(step, { minLength: 1, maxLength: 3 }),
    limits: record(
      {
        executionMs: whole,
        cpu: whole,
        memory: whole,
        gpu: whole,
        concurrentTasks: whole,
        retries: whole,
        cost: whole,
        modelCalls: whole,
        tokens: whole,
      },
      [
        'executionMs',
        'cpu',
        'memory',
        'concurrentTasks',
        'retries',
        'cost',
        'modelCalls',
        'tokens',
      ],
    ),
    preferred: record({
      hours: fc.oneof(
        fc.constant('off-peak'),
        record({
          kind: fc.constant('daily'),
          startMs: whole,
          endMs: whole,
          zone: record({
            name: text,
            offsets: few(record({ from: whole, offsetMs: fc.integer() })),
          }),
        }),
      ),
      maxWaitMs: whole,
    }),
    vars: flowValues,
    warnings: texts,
    guaranteed: fc.constant(true),
    spot: fc.boolean(),
    source: text,
  },
  ['kind', 'name', 'queue', 'priority', 'labels', 'steps', 'source'],
);

/** One arbitrary per kind: a new kind does not compile until it has one. */
const byKind: { readonly [K in Event['kind']]: fc.Arbitrary<unknown> } = {
  'storage-measured': of('storage-measured', { used: few(record({ tenant: id, bytes: whole })) }),
  'attempt-used': of('attempt-used', { attempt, used }),
  'node-joined': of('node-joined', {
    node: record(
      {
        id,
        cpu: whole,
        memory: whole,
        gpus: few(gpu),
        custom,
        labels: textMap,
        links: fc.array(fc.array(whole, { maxLength: 2 }), { maxLength: 2 }),
        cpus: fc.array(record({ id: whole, core: whole, numa: whole }), { maxLength: 2 }),
        taints: few(record({ key: text, value: text })),
        closed: fc.constantFrom('drained', 'unhealthy'),
      },
      ['id', 'cpu', 'memory', 'gpus', 'custom', 'labels'],
    ),
  }),
  'node-left': of('node-left', { node: id }),
  'workload-submitted': of(
    'workload-submitted',
    {
      workload,
      tenant: id,
      spec,
      resumes: record({
        from: workload,
        folder: workload,
        done: few(record({ step: id, outputs: few(flowValues) })),
      }),
    },
    ['workload', 'tenant', 'spec'],
  ),
  'workload-spilled': of('workload-spilled', { workload, tenant: id, queue: text }),
  'spill-dropped': of('spill-dropped', { workload }),
  'attempts-lined-up': of('attempts-lined-up', {
    behind: attempt,
    attempts: fc.array(attempt, { maxLength: 3 }),
  }),
  'reserve-renewed': of('reserve-renewed', { attempt, charged: whole, reserved }),
  'spend-settled': of('spend-settled', { workload, spending }, ['spending']),
  'budget-warned': of('budget-warned', { facts }),
  'budget-exceeded': of('budget-exceeded', { workload, facts }),
  'task-placed': of(
    'task-placed',
    {
      attempt,
      reserved,
      placement: record(
        {
          node: id,
          held: resources,
          gpus: fc.array(text, { maxLength: 2 }),
          memoryLimit: whole,
          ports: fc.dictionary(key, whole, { maxKeys: 2, noNullPrototype: true }),
          cores: fc.array(whole, { maxLength: 2 }),
          notSpot: fc.oneof(
            record({ why: fc.constantFrom('disabled', 'unsuitable') }),
            record(
              { why: fc.constant('price'), type: text, price: whole, base: whole, most: whole },
              ['why', 'price', 'base', 'most'],
            ),
            record({ why: fc.constant('share'), onSpot: whole, running: whole, percentage: whole }),
          ),
        },
        ['node', 'held', 'gpus', 'memoryLimit'],
      ),
    },
    ['attempt', 'placement'],
  ),
  'task-started': of('task-started', { attempt, pid: whole, terms }, ['attempt', 'pid']),
  'stop-ordered': of('stop-ordered', {
    attempt,
    reason: fc.constantFrom('cancelled', 'preempted', 'unhealthy'),
  }),
  'seats-kept': of('seats-kept', {
    keep: fc.oneof(
      record({ task, ask: resources, claims: fc.array(record({ node: id, members: whole })) }),
      record({ task, ask: resources, claims: fc.constant([]), from: whole }),
    ),
  }),
  'preemption-ordered': of('preemption-ordered', {
    preemption: record({
      preemptor: task,
      ask: resources,
      victims: fc.array(record({ attempt, queue: id, priority: fc.integer(), cost: whole }), {
        maxLength: 2,
      }),
      claims: fc.array(record({ node: id, members: whole }), { maxLength: 2 }),
      rule: fc.oneof(
        record({ kind: fc.constant('priority'), preemptor: fc.integer(), victim: fc.integer() }),
        record({
          kind: fc.constant('share'),
          taker: id,
          giver: id,
          takerBefore: fc.integer(),
          takerAfter: fc.integer(),
          giverBefore: fc.integer(),
          giverAfter: fc.integer(),
        }),
      ),
      chosen: fc.constantFrom('least-cost', 'wait_for_completion'),
      options: fc.array(
        record(
          {
            strategy: fc.constantFrom('preempt_oldest', 'preempt_least_progress'),
            victims: whole,
            highestPriority: fc.integer(),
            highestClass: whole,
            lost: whole,
            waiting: whole,
            total: whole,
          },
          ['strategy', 'victims', 'highestPriority', 'lost', 'waiting', 'total'],
        ),
        { maxLength: 2 },
      ),
    }),
  }),
  'task-ended': of(
    'task-ended',
    {
      attempt,
      end,
      charged: whole,
      retry: record({ dueAt: fc.nat(), memory: whole, inRow: whole }, ['dueAt']),
    },
    ['attempt', 'end'],
  ),
  'retry-due': of('retry-due', { task }),
  'step-ended': of(
    'step-ended',
    {
      workload,
      step: id,
      state: fc.constantFrom('succeeded', 'skipped'),
      reason: fc.oneof(
        fc.constant({ kind: 'condition' }),
        record({ kind: fc.constant('expression'), message: text }),
      ),
    },
    ['workload', 'step', 'state'],
  ),
  'step-opened': of('step-opened', { workload, step: id }),
  'step-expanded': of('step-expanded', { workload, step: id, items: few(flowValue) }),
  'limit-reached': of('limit-reached', {
    workload,
    reached: record({
      limit: fc.constantFrom('execution-time', 'retries', 'cost'),
      stops: fc.boolean(),
      message: text,
    }),
  }),
  'cancel-requested': of('cancel-requested', { workload, by: id }),
  'attempt-adjusted': of('attempt-adjusted', {
    attempt,
    held: resources,
    limits: record({ cpu: whole, memory: whole, pids: whole, nice: fc.integer() }, [
      'cpu',
      'memory',
      'pids',
    ]),
    by: id,
  }),
  'attempt-paused': of('attempt-paused', { attempt, by: id }),
  'attempt-resumed': of('attempt-resumed', { attempt, by: id }),
  'adjustment-reported': of('adjustment-reported', {
    attempt,
    terms: few(record({ term: text, by: fc.constantFrom('kernel', 'none'), note: text })),
  }),
  'priority-changed': of('priority-changed', { workload, priority: fc.integer(), by: id }),
  'eviction-ordered': of('eviction-ordered', {
    eviction: record(
      {
        node: id,
        attempt,
        qos: fc.constantFrom('best-effort', 'guaranteed'),
        pressure: record({ memoryUsed: whole, memorySome: whole, memoryFull: whole }, []),
        threshold: text,
        used: whole,
        requested: whole,
      },
      ['node', 'attempt', 'qos', 'pressure', 'threshold', 'requested'],
    ),
  }),
  'spot-noticed': of('spot-noticed', { node: id, deadline: whole }),
  'spot-priced': of('spot-priced', {
    quotes: few(
      record({ type: text, base: whole, price: whole, onDemand: whole, source: text }, [
        'base',
        'price',
        'source',
      ]),
    ),
  }),
  'rebalance-started': of('rebalance-started', {
    plan: record({ node: id, moves: few(move), gained: whole, moved: whole, cost: whole }),
    settleMs: whole,
  }),
  'move-ordered': of('move-ordered', { move }),
  'move-ended': of('move-ended', { move, outcome: fc.constantFrom('stable', 'rolled-back') }),
  'task-probed': of('task-probed', {
    attempt,
    probe: fc.constantFrom('startup', 'readiness', 'liveness'),
    ok: fc.boolean(),
    detail: text,
  }),
  'service-scaled': of(
    'service-scaled',
    { workload, replicas: whole, auto: record({ from: whole, reason: text }) },
    ['workload', 'replicas'],
  ),
  'service-updated': of('service-updated', { workload, revision: whole, spec }),
  'canary-passed': of('canary-passed', { workload, revision: whole }),
  'service-rolled-back': of('service-rolled-back', {
    workload,
    from: whole,
    to: whole,
    reason: text,
  }),
  'rollout-finished': of('rollout-finished', { workload, revision: whole }),
  'replica-opened': of('replica-opened', { task }),
  'replica-retired': of('replica-retired', { task }),
  'lease-renewed': of('lease-renewed', { workload }),
  'workload-ended': of('workload-ended', { workload, state: fc.constantFrom('failed') }),
  'workload-retired': of('workload-retired', { workload }),
};

export const arbitraryEvent = fc.oneof(...Object.values(byKind)) as fc.Arbitrary<Event>;
