import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { parseNodeShape } from '../../src/spec/node-shape.ts';
import { parseSetting, setKeys } from '../../src/spec/set-keys.ts';

const SITE = `# A lab.
scheduling: {policy: fair_share}
queues:
  train: # the large one
    weight: 3
  spare:
quotas:
  - {name: GPU-hours of ada, gpu_hours: 200}
  - {name: all, cpu_hours: 5}
`;

function set(text: string, ...written: string[]) {
  return setKeys(
    text,
    written.map((one) => parseSetting(one)!),
  );
}

const cases: Record<
  string,
  { set: string[]; want: (site: ReturnType<typeof parse>) => void; text?: string }
> = {
  'a value that is there': {
    set: ['queues.train.weight=5'],
    want: ({ queues }) => assert.equal(queues.train.weight, 5),
  },
  'a key in a block that is not there yet, in an empty document': {
    text: '',
    set: ['scheduling.preemption.min_run_time=5m', 'scheduling.policy=sjf'],
    want: (site) =>
      assert.deepEqual(site, { scheduling: { preemption: { min_run_time: '5m' }, policy: 'sjf' } }),
  },
  'below a key without a value': {
    set: ['queues.spare.max_active=7'],
    want: ({ queues }) => assert.deepEqual(queues.spare, { max_active: 7 }),
  },
  'an item of a list by its name, and by its place': {
    set: ['quotas[GPU-hours of ada].gpu_hours=1', 'quotas.1.cpu_hours=6'],
    want: ({ quotas }) => assert.deepEqual([quotas[0].gpu_hours, quotas[1].cpu_hours], [1, 6]),
  },
  'a map': {
    set: ['queues.new={weight: 2, fifo: strict}'],
    want: ({ queues }) => assert.deepEqual(queues.new, { weight: 2, fifo: 'strict' }),
  },
  'nothing takes it away': {
    set: ['queues.train=', 'quotas.all='],
    want: ({ queues, quotas }) => {
      assert.deepEqual(Object.keys(queues), ['spare']);
      assert.equal(quotas.length, 1);
    },
  },
  'a value with = in it': {
    set: ['name="a=b"'],
    want: ({ name }) => assert.equal(name, 'a=b'),
  },
};

for (const [what, { set: written, want, text = SITE }] of Object.entries(cases)) {
  test(`set in a site document: ${what}`, () => {
    const made = set(text, ...written);
    assert.ok(made.ok);
    want(parse(made.text));
  });
}

test('comments stay', () => {
  const made = set(SITE, 'queues.train.weight=5');
  assert.ok(made.ok && made.text.includes('# A lab.') && made.text.includes('# the large one'));
});

const wrong: Record<string, string> = {
  'quotas.none.gpu_hours=1': 'quotas has no item "none": it has GPU-hours of ada, all',
  'queues.train.weight.more=1': 'queues.train.weight is a single value: it has no key "more"',
  'queues..weight=1': '"queues..weight" is not a key such as queues.train.weight',
  'queues.other=': '"queues.other" is not set, so it cannot be taken away',
  'queues.train.weight={a': '"{a" is not a value in YAML',
};

for (const [written, want] of Object.entries(wrong)) {
  test(`not set: ${written}`, () => {
    const made = set(SITE, written);
    assert.ok(!made.ok);
    assert.equal(made.problem, want);
  });
}

test('KEY=VALUE has a key', () => {
  assert.equal(parseSetting('=1'), undefined);
  assert.equal(parseSetting('queues'), undefined);
});

const shapes: Record<string, string | object> = {
  'cpu=32,memory=128Gi': { count: 1, cpu: 32_000, memory: 128 * 1024 ** 3, labels: {} },
  'like=n1, count=3,label.zone=b': { count: 3, like: 'n1', labels: { zone: 'b' } },
  'cpu=1,memory=1Gi,gpus=2,gpu_memory=80Gi,gpu_model=H100,name=new': {
    count: 1,
    name: 'new',
    cpu: 1000,
    memory: 1024 ** 3,
    gpus: 2,
    gpuMemory: 80 * 1024 ** 3,
    gpuModel: 'H100',
    labels: {},
  },
  'cpu=32': 'a node needs cpu and memory, or `like` with the name of another one',
  'cpus=32,memory=1Gi': '"cpus" is nothing that a node has: did you mean cpu',
  'cpu=many,memory=1Gi': 'cpu=many: not a number of cores such as 32',
  'cpu=1,memory=1Gi,count=0': 'count=0: not a number from 1 to 10000',
  'cpu=1,cpu=2': 'cpu is said twice',
  node1: '"node1" is not KEY=VALUE',
};

for (const [written, want] of Object.entries(shapes)) {
  test(`a node: ${written}`, () => {
    const parsed = parseNodeShape(written);
    if (typeof want === 'string') assert.equal(parsed.ok ? 'read' : parsed.problem, want);
    else assert.deepEqual(parsed.ok && parsed.shape, want);
  });
}
