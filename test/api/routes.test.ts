import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  nodeListSchema,
  problemSchema,
  statusSchema,
  usageSchema,
  whySchema,
  workloadListSchema,
  workloadSchema,
} from '../../src/api/contract/documents.ts';
import {
  cpuUseSchema,
  inventoryChangesSchema,
} from '../../src/api/contract/inventory-documents.ts';
import { preemptionListSchema } from '../../src/api/contract/preemption-documents.ts';
import {
  queueListSchema,
  quotaListSchema,
  reservationListSchema,
} from '../../src/api/contract/queue-documents.ts';
import { inventorySchema } from '../../src/inventory/inventory-schema.ts';
import { queueScene } from '../builders/queue-scene.ts';
import { openSite } from './open-site.ts';
import { ScenarioSite } from './scenario-site.ts';
import { GIB } from './toy-workload.ts';

const bounded = { timeout: 20_000 };

function oneRunning(): ScenarioSite {
  const site = new ScenarioSite();
  site.scheduling = queueScene();
  site.add({
    name: 'train',
    source: 'name: train # größer\n',
    steps: [
      { id: 'prepare', command: 'prep', cpuMilli: 2_000, memoryBytes: GIB, runMs: 5_000 },
      {
        id: 'fit',
        needs: ['prepare'],
        command: 'fit',
        cpuMilli: 4_000,
        memoryBytes: GIB,
        runMs: 60_000,
      },
    ],
  });
  site.advance(10_000);
  return site;
}

const documents = {
  '/api/v1/status': statusSchema,
  '/api/v1/nodes': nodeListSchema,
  '/api/v1/usage?window=1h': usageSchema,
  '/api/v1/inventory': inventorySchema,
  '/api/v1/inventory?fresh=1': inventorySchema,
  '/api/v1/inventory/changes': inventoryChangesSchema,
  '/api/v1/inventory/use': cpuUseSchema,
  '/api/v1/queues': queueListSchema,
  '/api/v1/quotas': quotaListSchema,
  '/api/v1/reservations': reservationListSchema,
  '/api/v1/preemptions?limit=5': preemptionListSchema,
  '/api/v1/workloads': workloadListSchema,
  '/api/v1/workloads/1': workloadSchema,
  '/api/v1/workloads/1/why': whySchema,
};
for (const [path, schema] of Object.entries(documents)) {
  test(`GET ${path} answers its document`, bounded, async (t) => {
    const { ask, askUnix } = await openSite(t, oneRunning());
    const answer = await ask('GET', path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-store');
    const parsed = schema.safeParse(answer.json());
    assert.ok(parsed.success, String(parsed.error));
    assert.equal((await askUnix('GET', path)).text, answer.text, 'the same over the unix socket');
  });
}

const pages: Record<string, { query: string; want: string[]; total: number }> = {
  'all, newest first': { query: '', want: ['4', '3', '2', '1'], total: 4 },
  'active ones': { query: '?state=active', want: ['4', '3'], total: 2 },
  'ended ones': { query: '?state=ended', want: ['2', '1'], total: 2 },
  'a piece': { query: '?limit=2&offset=1', want: ['3', '2'], total: 4 },
  'none but the total': { query: '?limit=0', want: [], total: 4 },
};
for (const [name, { query, want, total }] of Object.entries(pages)) {
  test(`list: ${name}`, bounded, async (t) => {
    const site = new ScenarioSite();
    for (const runMs of [1_000, 2_000, 60_000, 60_000]) {
      site.add({
        name: 'j',
        steps: [{ id: 'a', command: 'x', cpuMilli: 1_000, memoryBytes: GIB, runMs }],
      });
    }
    site.advance(3_000);
    const { ask } = await openSite(t, site);
    const list = workloadListSchema.parse((await ask('GET', `/api/v1/workloads${query}`)).json());
    assert.deepEqual(
      list.workloads.map(({ id }) => id),
      want,
    );
    assert.equal(list.total, total);
  });
}

test('the source comes back byte for byte', bounded, async (t) => {
  const { ask } = await openSite(t, oneRunning());
  const answer = await ask('GET', '/api/v1/workloads/1/source');
  assert.equal(answer.text, 'name: train # größer\n');
  assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
});

for (const type of ['application/yaml', 'application/json', 'text/plain; charset=utf-8']) {
  test(`a submission as ${type} is accepted`, bounded, async (t) => {
    const { ask, site } = await openSite(t);
    const answer = await ask('POST', '/api/v1/workloads?file=a.yaml&cwd=/work', {
      headers: { 'content-type': type },
      body: 'job alpha',
    });
    assert.equal(answer.status, 201);
    assert.deepEqual(answer.json(), { id: '1', name: 'alpha', warnings: ['alpha has no limits'] });
    assert.equal(answer.headers['location'], '/api/v1/workloads/1');
    assert.equal(site.source('1' as never), 'job alpha');
  });
}

test('a cancellation stops what runs, and a second one changes nothing', bounded, async (t) => {
  const { ask, site } = await openSite(t, oneRunning());
  assert.equal((await ask('POST', '/api/v1/workloads/1/cancel')).status, 202);
  assert.equal(site.workload('1' as never)?.status, 'cancelled');
  assert.equal((await ask('POST', '/api/v1/workloads/1/cancel')).status, 202);
});

test('a shutdown is answered and passed on', bounded, async (t) => {
  const { askUnix, site } = await openSite(t);
  assert.equal((await askUnix('POST', '/api/v1/shutdown')).status, 202);
  assert.equal(site.shutDowns, 1);
});

const yaml = { 'content-type': 'application/yaml' };
const asked: Record<
  string,
  {
    method?: string;
    path: string;
    headers?: Record<string, string>;
    body?: string | Buffer;
    want: [number, string, RegExp];
  }
> = {
  'an unknown workload': {
    path: '/api/v1/workloads/99',
    want: [404, 'NOT_FOUND', /no workload "99"/],
  },
  'an id that cannot be': { path: '/api/v1/workloads/ab%20c', want: [404, 'NOT_FOUND', /"ab c"/] },
  'the why of an unknown workload': {
    path: '/api/v1/workloads/99/why',
    want: [404, 'NOT_FOUND', /99/],
  },
  'the source of an unknown workload': {
    path: '/api/v1/workloads/99/source',
    want: [404, 'NOT_FOUND', /99/],
  },
  'cancelling an unknown workload': {
    method: 'POST',
    path: '/api/v1/workloads/99/cancel',
    want: [404, 'NOT_FOUND', /99/],
  },
  'an unknown attempt': {
    path: '/api/v1/attempts/1.a.0.9/logs/stdout',
    want: [404, 'NOT_FOUND', /attempt "1.a.0.9"/],
  },
  'following an unknown attempt': {
    path: '/api/v1/attempts/1.a.0.9/logs/stdout?follow=1',
    want: [404, 'NOT_FOUND', /attempt/],
  },
  'downloading an unknown attempt': {
    path: '/api/v1/attempts/1.a.0.9/logs/stdout/download',
    want: [404, 'NOT_FOUND', /attempt/],
  },
  'an attempt id with a path in it': {
    path: '/api/v1/attempts/..%2f..%2fetc%2fpasswd/logs/stdout',
    want: [404, 'NOT_FOUND', /attempt/],
  },
  'a stream that is neither': {
    path: '/api/v1/attempts/1.a.0.1/logs/stdin',
    want: [400, 'USAGE', /stream/],
  },
  'a path that is not there': { path: '/api/v1/nothing', want: [404, 'NOT_FOUND', /GET/] },
  'a method that is not there': {
    method: 'DELETE',
    path: '/api/v1/workloads/1',
    want: [404, 'NOT_FOUND', /DELETE/],
  },
  'a limit that is no number': {
    path: '/api/v1/workloads?limit=many',
    want: [400, 'USAGE', /limit/],
  },
  'a limit that is empty': {
    path: '/api/v1/workloads?limit=',
    want: [400, 'USAGE', /limit.*whole number/],
  },
  'a limit that is too large': {
    path: '/api/v1/workloads?limit=1001',
    want: [400, 'USAGE', /limit/],
  },
  'a negative offset': { path: '/api/v1/workloads?offset=-1', want: [400, 'USAGE', /offset/] },
  'a state that is none': { path: '/api/v1/workloads?state=odd', want: [400, 'USAGE', /state/] },
  'a window without unit': { path: '/api/v1/usage?window=15', want: [400, 'USAGE', /window/] },
  'a log offset that is no integer': {
    path: '/api/v1/attempts/1.a.0.1/logs/stdout?from=1.5',
    want: [400, 'USAGE', /from/],
  },
  'a relative folder': {
    method: 'POST',
    path: '/api/v1/workloads?cwd=here',
    headers: yaml,
    body: 'job a',
    want: [400, 'USAGE', /cwd.*absolute/],
  },
  'a document with errors': {
    method: 'POST',
    path: '/api/v1/workloads?file=a.yaml',
    headers: yaml,
    body: 'nonsense',
    want: [422, 'SPEC_INVALID', /^a\.yaml:1: not a job$/],
  },
  'an empty document': {
    method: 'POST',
    path: '/api/v1/workloads',
    headers: yaml,
    want: [422, 'SPEC_INVALID', /not a job/],
  },
  'a document of another type': {
    method: 'POST',
    path: '/api/v1/workloads',
    headers: { 'content-type': 'image/png' },
    body: 'job a',
    want: [400, 'USAGE', /image\/png/],
  },
  'a document of no type': {
    method: 'POST',
    path: '/api/v1/workloads',
    body: 'job a',
    want: [400, 'USAGE', /no type/],
  },
  'a document that is not UTF-8': {
    method: 'POST',
    path: '/api/v1/workloads',
    headers: yaml,
    body: Buffer.from([0x6a, 0xff, 0xfe]),
    want: [400, 'USAGE', /UTF-8/],
  },
  'a document cut within a character': {
    method: 'POST',
    path: '/api/v1/workloads',
    headers: yaml,
    body: Buffer.from([0x6a, 0xc3]),
    want: [400, 'USAGE', /UTF-8/],
  },
  'a document that is too large': {
    method: 'POST',
    path: '/api/v1/workloads',
    headers: yaml,
    body: 'x'.repeat(1_048_577),
    want: [413, 'BODY_TOO_LARGE', /1048576/],
  },
  'a large document of unsaid length': {
    method: 'POST',
    path: '/api/v1/workloads',
    headers: { ...yaml, 'transfer-encoding': 'chunked' },
    body: 'x'.repeat(1_200_000),
    want: [413, 'BODY_TOO_LARGE', /1048576/],
  },
};
for (const [name, { method = 'GET', path, headers, body, want }] of Object.entries(asked)) {
  test(`refused: ${name}`, bounded, async (t) => {
    const { ask, logged } = await openSite(t, oneRunning());
    const answer = await ask(method, path, { ...(headers && { headers }), ...(body && { body }) });
    const problem = problemSchema.parse(answer.json());
    const [status, code, detail] = want;
    assert.deepEqual([answer.status, problem.status, problem.code], [status, status, code]);
    assert.match(problem.detail, detail);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.deepEqual(logged, [], 'what the asker did wrong is not our failure');
  });
}

test('a document of exactly 1 MiB is read', bounded, async (t) => {
  const { ask } = await openSite(t);
  const answer = await ask('POST', '/api/v1/workloads', {
    headers: yaml,
    body: `job a${' '.repeat(1_048_571)}`,
  });
  assert.equal(answer.status, 201);
});

test('the issues of a document are in the problem', bounded, async (t) => {
  const { ask } = await openSite(t);
  const answer = await ask('POST', '/api/v1/workloads', { headers: yaml, body: 'nonsense' });
  const problem = problemSchema.parse(answer.json());
  assert.deepEqual(problem.issues, [{ line: 1, message: 'not a job' }]);
  assert.equal(problem.facts, undefined);
});

test('a refusal answers its sentence and its facts', bounded, async (t) => {
  const site = new ScenarioSite();
  site.refuse = {
    kind: 'refused',
    refusal: {
      code: 'never-fits',
      step: 'main' as never,
      resource: 'gpu',
      asked: 9_000,
      largest: 8_000,
      node: 'lab-3' as never,
    },
  };
  const { ask } = await openSite(t, site);
  const answer = await ask('POST', '/api/v1/workloads', { headers: yaml, body: 'job big' });
  assert.equal(answer.status, 409);
  const problem = problemSchema.parse(answer.json());
  assert.equal(
    problem.detail,
    'Refused: step main can never start: it asks for 9 GPUs, and the node that comes nearest, lab-3, has 8 GPUs.',
  );
  assert.equal(problem.facts?.['asked'], 9_000);
});

test('a failure nobody foresaw is logged, and its text stays inside', bounded, async (t) => {
  const site = oneRunning();
  site.status = () => {
    throw new Error('secret: /home/ada');
  };
  const { ask, logged } = await openSite(t, site);
  const answer = await ask('GET', '/api/v1/status');
  assert.equal(answer.status, 500);
  assert.doesNotMatch(answer.text, /secret|ada|stack/);
  assert.equal(problemSchema.parse(answer.json()).code, 'INTERNAL');
  assert.deepEqual(logged, ['GET "/api/v1/status" answered 500. Error: secret: /home/ada']);
});
