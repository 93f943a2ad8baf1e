import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { UNLIMITED } from '../../src/base/units.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';

const Mi = 1024 ** 2;
const Gi = 1024 ** 3;

function parsed(text: string, fileName = 'doc.yaml'): WorkloadSpec {
  const result = parseDocument(text, { fileName });
  assert.ok(result.ok, result.ok ? '' : formatIssues(result.issues, text, fileName));
  return result.spec;
}

function warnings(text: string): string[] {
  const result = parseDocument(text, { fileName: 'doc.yaml' });
  assert.ok(result.ok);
  return result.warnings.map((w) => `${w.line}:${w.column} ${w.path.join('.')}: ${w.message}`);
}

/** The one step of a job with these lines under `run`. */
const job = (lines: string): StepSpec => parsed(`run: echo\n${lines}`).steps[0]!;
/** The steps of a pipeline, by id. */
const steps = (text: string): Record<string, StepSpec> =>
  Object.fromEntries(parsed(text).steps.map((step) => [step.id, step]));

test('a job without anything but a command has every default', () => {
  const text = 'run: echo hello\n';
  assert.deepEqual(parsed(text, 'jobs/my train.yaml'), {
    kind: 'job',
    name: 'my train',
    queue: 'default',
    priority: 0,
    labels: {},
    source: text,
    steps: [
      {
        id: 'my-train',
        needs: [],
        run: { kind: 'shell', script: 'echo hello' },
        count: 1,
        maxParallel: UNLIMITED,
        request: { cpu: 1000, memory: 256 * Mi, gpu: 0, custom: [] },
        limits: {
          cpu: UNLIMITED,
          memory: UNLIMITED,
          pids: 4096,
          wallMs: UNLIMITED,
          graceMs: 10_000,
          logBytes: 16 * Mi,
        },
        retry: {
          maxRetries: 0,
          backoffMs: 1000,
          backoffFactor: 20_000,
          backoffMaxMs: 300_000,
          memoryGrowth: 10_000,
        },
        env: {},
        cwd: '',
      },
    ],
  });
});

test('a job with every key', () => {
  const spec = parsed(`
name: train
run: [python3, train.py, --rate, 0.10, true]
resources: {cpu: 2, memory: 4Gi, gpu: 0.5, custom: {port: 2, licence: 1}}
resource_limits: {timeout: 1h30m, grace_period: 500ms, pids: 64, log: 1Mi, cpu: 4}
retry: {max_retries: 3, backoff: 2s, backoff_factor: 1.5, backoff_max: 1m, memory_growth: 1.25}
env: {RATE: 1.0, DEBUG: true, NAME: x}
cwd: /data
count: 8
parallel: 2
queue: night
priority: -5
labels: {team: vision, cost: 0.10}
`);
  const { kind, name, queue, priority, labels } = spec;
  assert.deepEqual(
    { kind, name, queue, priority, labels },
    {
      kind: 'job',
      name: 'train',
      queue: 'night',
      priority: -5,
      labels: { team: 'vision', cost: '0.10' },
    },
  );
  assert.deepEqual(spec.steps, [
    {
      id: 'train',
      needs: [],
      run: { kind: 'argv', argv: ['python3', 'train.py', '--rate', '0.10', 'true'] },
      count: 8,
      maxParallel: 2,
      request: {
        cpu: 2000,
        memory: 4 * Gi,
        gpu: 500,
        custom: [
          ['licence', 1],
          ['port', 2],
        ],
      },
      limits: {
        cpu: 4000,
        memory: 4 * Gi,
        pids: 64,
        wallMs: 5_400_000,
        graceMs: 500,
        logBytes: Mi,
      },
      retry: {
        maxRetries: 3,
        backoffMs: 2000,
        backoffFactor: 15_000,
        backoffMaxMs: 60_000,
        memoryGrowth: 12_500,
      },
      env: { RATE: '1.0', DEBUG: 'true', NAME: 'x' },
      cwd: '/data',
    },
  ]);
});

describe('request and limit', () => {
  const cases: Record<string, { lines: string; want: readonly [request: number, limit: number] }> =
    {
      'a plain amount is both': { lines: 'resources: {memory: 1Gi}', want: [Gi, Gi] },
      'a map sets them apart': {
        lines: 'resources: {memory: {request: 1Gi, limit: 2Gi}}',
        want: [Gi, 2 * Gi],
      },
      'a limit alone is the request, too': {
        lines: 'resources: {memory: {limit: 2Gi}}',
        want: [2 * Gi, 2 * Gi],
      },
      'a request alone is not limited': {
        lines: 'resources: {memory: {request: 1Gi}}',
        want: [Gi, UNLIMITED],
      },
      'resource_limits override the limit': {
        lines: 'resources: {memory: 1Gi}\nresource_limits: {memory: 2Gi}',
        want: [Gi, 2 * Gi],
      },
      'resource_limits alone are the request, too': {
        lines: 'resource_limits: {memory: 128Mi}',
        want: [128 * Mi, 128 * Mi],
      },
      'the limit may be lifted': {
        lines: 'resources: {memory: 1Gi}\nresource_limits: {memory: unlimited}',
        want: [Gi, UNLIMITED],
      },
      'one level deeper is the same': {
        lines: 'resources: {compute: {memory: {request: 1Gi, limit: 2Gi}}}',
        want: [Gi, 2 * Gi],
      },
      'nothing said': { lines: 'resources: {cpu: 1}', want: [256 * Mi, UNLIMITED] },
    };
  for (const [name, { lines, want }] of Object.entries(cases)) {
    test(name, () => {
      const { request, limits } = job(lines);
      assert.deepEqual([request.memory, limits.memory], want);
    });
  }
  test('CPU follows the same rules', () => {
    assert.equal(job('resources: {cpu: 500m}').limits.cpu, 500);
    assert.equal(job('resources: {cpu: {request: 0.5}}').limits.cpu, UNLIMITED);
    assert.equal(job('resources: {compute: {cpu: {limit: 4.0}}}').request.cpu, 4000);
  });
  test('GPUs: a share, a number, or a map', () => {
    assert.equal(job('resources: {gpu: 500m}').request.gpu, 500);
    assert.equal(job('resources: {gpu: 8}').request.gpu, 8000);
    assert.equal(job('resources: {gpu: {count: 2}}').request.gpu, 2000);
    assert.equal(job('resources: {compute: {gpu: {type: v100}}}').request.gpu, 1000);
  });
  const gpus: Record<string, { gpu: string; want: object }> = {
    'memory alone is a share of one device, as large as it makes it': {
      gpu: '{memory: 20Gi}',
      want: { gpu: 1, gpuMemory: 20 * Gi },
    },
    'a share holds its memory, too': {
      gpu: '{count: 0.5, memory: 20Gi}',
      want: { gpu: 500, gpuMemory: 20 * Gi },
    },
    'memory of whole devices is no amount': {
      gpu: '{count: 2, memory: 20Gi}',
      want: { gpu: 2000 },
    },
    'an instance is the part that its slices are': {
      gpu: '{mig: 3g.20gb}',
      want: { gpu: 428, mig: '3g.20gb' },
    },
    'an instance of a part of four slices': {
      gpu: '{mig: 1g.6gb}',
      want: { gpu: 250, mig: '1g.6gb' },
    },
  };
  for (const [name, { gpu, want }] of Object.entries(gpus)) {
    test(`GPUs: ${name}`, () => {
      const { cpu: _, memory: __, custom: ___, ...asked } = job(`resources: {gpu: ${gpu}}`).request;
      assert.deepEqual(asked, want);
    });
  }
});

describe('defaults of a pipeline', () => {
  const all = steps(`
env: {A: top, B: top}
defaults:
  resources: {cpu: 2, memory: 1Gi, custom: {port: 1}}
  resource_limits: {timeout: 60, max_retries: 4}
  retry: {backoff: 3s}
  env: {B: defaults, C: defaults}
steps:
  - {id: plain, run: a}
  - id: own
    run: b
    resources: {memory: {request: 512Mi}, custom: {licence: 2}}
    resource_limits: {timeout: 5m}
    retry: {max_retries: 1}
    env: {C: own}
`);
  const { plain, own } = all;
  test('hold where a step says nothing', () => {
    assert.equal(plain?.request.cpu, 2000);
    assert.equal(plain?.limits.wallMs, 60_000);
    assert.equal(plain?.retry.maxRetries, 4);
    assert.equal(plain?.retry.backoffMs, 3000);
  });
  test('give way key by key', () => {
    assert.equal(own?.request.cpu, 2000);
    assert.equal(own?.request.memory, 512 * Mi);
    assert.equal(own?.limits.memory, UNLIMITED);
    assert.equal(own?.limits.wallMs, 300_000);
    assert.equal(own?.retry.maxRetries, 1);
    assert.equal(own?.retry.backoffMs, 3000);
    assert.deepEqual(own?.request.custom, [
      ['licence', 2],
      ['port', 1],
    ]);
  });
  test('merge the environment: the step over the defaults over the pipeline', () => {
    assert.deepEqual(plain?.env, { A: 'top', B: 'defaults', C: 'defaults' });
    assert.deepEqual(own?.env, { A: 'top', B: 'defaults', C: 'own' });
  });
});

test('needs: one step, several, and the same twice', () => {
  const all = steps(`
steps:
  - {id: c, run: x, needs: [a, b, a]}
  - {id: b, run: x, needs: a}
  - {id: a, run: x}
`);
  assert.deepEqual(all['c']?.needs, ['a', 'b']);
  assert.deepEqual(all['b']?.needs, ['a']);
});

test('parallel: a number, a map, and the count within', () => {
  assert.equal(job('count: 9\nparallel: 3').maxParallel, 3);
  assert.equal(job('parallel: {max_workers: 3, count: 9}').count, 9);
  assert.equal(job('parallel: {max_workers: 3, count: 9}').maxParallel, 3);
  assert.equal(job('count: 9\nparallel: {count: 9}').maxParallel, UNLIMITED);
});

test('retries may be given in either place, and in both if they agree', () => {
  assert.equal(job('resource_limits: {max_retries: 2}').retry.maxRetries, 2);
  assert.equal(
    job('resource_limits: {max_retries: 2}\nretry: {max_retries: 2}').retry.maxRetries,
    2,
  );
});

test('a first wait above the default longest wait raises it', () => {
  assert.equal(job('retry: {backoff: 10m}').retry.backoffMaxMs, 600_000);
});

describe('actions become commands', () => {
  const cases: Record<string, { lines: string; want: StepSpec['run'] }> = {
    shell: {
      lines: 'action: shell\nwith: {script: echo hi}',
      want: { kind: 'shell', script: 'echo hi' },
    },
    'python code': {
      lines: 'action: python\nwith: {code: print(1), args: [a, b]}',
      want: { kind: 'argv', argv: ['python3', '-c', 'print(1)', 'a', 'b'] },
    },
    'python file': {
      lines: 'action: python\nwith: {file: train.py}',
      want: { kind: 'argv', argv: ['python3', 'train.py'] },
    },
  };
  for (const [name, { lines, want }] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(parsed(lines).steps[0]?.run, want));
  }
});

describe('YAML is read as people mean it', () => {
  test('YAML 1.1 booleans are text', () => {
    assert.deepEqual(job('env: {A: on, B: yes, C: NO, D: off, y: n}').env, {
      A: 'on',
      B: 'yes',
      C: 'NO',
      D: 'off',
      y: 'n',
    });
    assert.equal(parsed('%YAML 1.1\n---\nrun: echo\nname: on\n').name, 'on');
  });
  test('numbers in env stay as they were written', () => {
    const { env } = job(
      'env: {A: 1.50, B: 0x1F, C: 1e3, D: 12345678901234567890, E: .5, F: 007, G: .inf}',
    );
    assert.deepEqual(env, {
      A: '1.50',
      B: '0x1F',
      C: '1e3',
      D: '12345678901234567890',
      E: '.5',
      F: '007',
      G: '.inf',
    });
  });
  test('anchors, aliases and merge keys', () => {
    const all = steps(`
steps:
  - &base {id: a, run: echo a, resources: &small {cpu: 0.25, memory: 64Mi}}
  - {<<: *base, id: b}
  - {id: c, run: echo c, resources: {<<: [*small, {gpu: 1}], memory: 1Gi}}
`);
    assert.deepEqual(all['b']?.run, { kind: 'shell', script: 'echo a' });
    assert.equal(all['b']?.request.cpu, 250);
    assert.deepEqual(all['c']?.request, { cpu: 250, memory: Gi, gpu: 1000, custom: [] });
  });
  test('a second anchor of the same name holds from there on', () => {
    const { env } = job('env: {A: &x 1, B: *x, C: &x 2, D: *x}');
    assert.deepEqual(env, { A: '1', B: '1', C: '2', D: '2' });
  });
  test('names that objects inherit are plain names', () => {
    const env = '{constructor: 1, toString: 2, hasOwnProperty: 3, 10: a, 9: b}';
    assert.deepEqual(job(`env: ${env}`).env, {
      constructor: '1',
      toString: '2',
      hasOwnProperty: '3',
      10: 'a',
      9: 'b',
    });
  });
  test('a byte order mark, CRLF and a leading document marker', () => {
    assert.equal(parsed('\ufeffrun: echo\r\nname: x\r\n').name, 'x');
    assert.equal(parsed('---\nrun: echo\nname: x\n...\n').name, 'x');
  });
});

test('JSON documents', () => {
  const text =
    '{\n\t"name": "caf\\u00e9 \\/ 1",\n\t"run": ["echo", "a"],\n\t"env": {"A": 1.0}\n}\n';
  const spec = parsed(text, 'doc.json');
  assert.equal(spec.name, 'café / 1');
  assert.equal(spec.steps[0]?.env['A'], '1.0');
  assert.ok(parseDocument('{"run": "x"}', { fileName: 'request', format: 'json' }).ok);
});

describe('the names of jobs become step ids', () => {
  const cases: Record<string, string> = {
    train: 'train',
    'my job!': 'my-job',
    'a/b c': 'a-b-c',
    _x: 'x',
    'étude 7': 'tude-7',
    日本: 'job',
    ['x'.repeat(100)]: 'x'.repeat(63),
  };
  for (const [name, id] of Object.entries(cases)) {
    test(`${name} → ${id}`, () =>
      assert.equal(parsed(`run: echo\nname: ${name}`).steps[0]?.id, id));
  }
});

describe('warnings', () => {
  test('what nothing acts on, and what is of the site', () => {
    assert.deepEqual(
      warnings(`run: echo
monitoring: {resources: {metrics: [disk_io]}}
reservations: [{name: x}]
resource_limits: {max_cost: 5.00, network: {bandwidth: 10Mbps}, max_tokens: 10}
resources: {gpu: {count: 1, type: a100}}
`),
      [
        '2:26 monitoring.resources.metrics: belongs in the site document of the daemon; ignored here',
        '3:1 reservations: belongs in the site document of the daemon; ignored here',
      ],
    );
  });
  test('memory that no process can start with', () => {
    const tiny = (lines: string): string[] => warnings(`run: x\n${lines}`);
    assert.deepEqual(tiny('resources: {memory: 4}'), [
      '2:13 resources.memory: 4 bytes are too little for any process',
    ]);
    assert.deepEqual(tiny('resources: {memory: {limit: 4k}}'), [
      '2:22 resources.memory.limit: 4000 bytes are too little for any process',
    ]);
    assert.deepEqual(tiny('resource_limits: {memory: 4}'), [
      '2:19 resource_limits.memory: 4 bytes are too little for any process',
    ]);
  });
  test('none for what works', () =>
    assert.deepEqual(warnings('run: echo\nresources: {gpu: 1}'), []));
});

test('examples/quickstart.yaml has the steps it promises and no warnings', () => {
  const file = new URL('../../examples/quickstart.yaml', import.meta.url);
  const text = readFileSync(file, 'utf8');
  assert.deepEqual(warnings(text), []);
  const all = steps(text);
  assert.deepEqual(Object.keys(all), [
    'generate',
    'crunch',
    'throttled',
    'hungry',
    'flaky',
    'summarise',
  ]);
  assert.equal(all['crunch']?.count, 6);
  assert.equal(all['throttled']?.limits.cpu, 500);
  assert.equal(all['hungry']?.limits.memory, 128 * Mi);
  assert.equal(all['hungry']?.retry.memoryGrowth, 20_000);
  assert.ok((all['flaky']?.retry.maxRetries ?? 0) >= 2);
  assert.deepEqual(all['summarise']?.needs, ['crunch', 'throttled', 'hungry', 'flaky']);
});
