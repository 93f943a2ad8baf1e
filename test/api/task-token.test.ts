import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { attemptToken } from '../../src/api/io/attempt-token.ts';
import type { ServerConfig } from '../../src/api/io/server.ts';
import { mayDo } from '../../src/api/routes/access.ts';
import type { CallerRole } from '../../src/api/routes/api-env.ts';
import { operations } from '../../src/api/routes/openapi.ts';
import { bytes } from '../../src/base/units.ts';
import type { ExecutionTerms, IsolationTerms } from '../../src/model/execution-terms.ts';
import type { AttemptId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { liveSite } from '../builders/live-site.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { step, workload } from '../builders/workload.ts';
import { openSite, TOKEN } from './open-site.ts';

const bounded = { timeout: 20_000 };
const roles: readonly CallerRole[] = ['viewer', 'task', 'user', 'admin'];
const everybody = roles;
/** Who may call what changes something; all that only reads is for everybody. */
const writers: Readonly<Record<string, readonly CallerRole[]>> = {
  submitWorkload: ['task', 'user', 'admin'],
  cancelWorkload: ['task', 'user', 'admin'],
};
const people: readonly CallerRole[] = ['user', 'admin'];
const admins: readonly string[] = [
  'shutDown',
  'rebalance',
  'listTokens',
  'addToken',
  'revokeToken',
  'listTransfers',
  'getTransfer',
  'askTransfer',
  'cleanTransfers',
  'cancelTransfer',
  'addSilence',
  'removeSilence',
];

describe('each operation of the API, and who may call it', () => {
  for (const { operationId, method, path } of operations) {
    const verb = method.toUpperCase();
    const may = mayCall(operationId, verb);
    test(`${verb} ${path}: ${may.join(', ')}`, () => {
      const asked = path.replaceAll(/\{\w+\}/g, '7');
      assert.deepEqual(
        roles.filter((role) => mayDo(role, verb, asked)),
        may,
      );
    });
  }

  test('the table names no operation that is gone', () => {
    const ids = operations.map(({ operationId }) => operationId as string);
    assert.deepEqual(
      [...Object.keys(writers), ...admins].filter((id) => !ids.includes(id)),
      [],
    );
  });
});

function mayCall(operation: string, verb: string): readonly CallerRole[] {
  if (admins.includes(operation)) return ['admin'];
  return verb === 'GET' ? everybody : (writers[operation] ?? people);
}

test('what is not there is not for a task either', () => {
  for (const path of ['/api/v1/workloads/7/cancel/x', '/api/v1/workloads/', '/api/v2/workloads']) {
    assert.ok(!mayDo('task', 'POST', path), path);
  }
  assert.ok(!mayDo('task', 'DELETE', '/api/v1/workloads'));
});

const PARENT = '1.main.0.1' as AttemptId;
const isolation: IsolationTerms = {
  user: 'nobody',
  readOnly: ['/'],
  daemonAccess: true,
  secrets: [{ secret: 'alpha', as: 'file', name: 'a' }],
};

/** A site on which task 1.main.0 runs, with a document of the given terms for whoever submits. */
async function open(t: TestContext, child: ExecutionTerms = {}, priority = 0) {
  const { site, engine } = liveSite();
  const submit = (spec: WorkloadSpec) => site.submit(spec, { tenant: 'ada' as TenantId });
  await submit({
    ...workload('parent', step('main', { execution: { isolation } })),
    priority: 5,
  });
  await submit(workload('sibling', step('main')));
  await site.submit(workload('stranger', step('main')), { tenant: 'eve' as TenantId });
  const parse: ServerConfig['parse'] = () => ({
    ok: true,
    warnings: [],
    spec: { ...workload('child', step('main', { execution: child })), priority },
  });
  const tenantOfRunning = (id: AttemptId) => engine.state.attempt(id)?.task.tenant;
  const holders = { ...noTokens.holders, tenantOfRunning };
  const { ask } = await openSite(t, site as never, { parse, holders });
  const token = attemptToken(TOKEN, PARENT);
  const submitIt = () =>
    ask('POST', '/api/v1/workloads', {
      token,
      body: 'job',
      headers: { 'content-type': 'text/plain' },
    });
  const cancel = (id: string) => ask('POST', `/api/v1/workloads/${id}/cancel`, { token });
  return { ask, token, engine, submitIt, cancel };
}

test('a task submits a child, finds it, and cancels it', bounded, async (t) => {
  const { ask, token, submitIt, cancel, engine } = await open(t);
  const answer = await submitIt();
  assert.equal(answer.status, 201, answer.text);
  const { id } = answer.json();
  const found = await ask('GET', `/api/v1/workloads/${id}`, { token });
  assert.match(found.text, /"submitted_by": ?"1\.main\.0"/);
  const record = engine.state.workload(id as unknown as WorkloadId);
  assert.equal(record?.tenant, 'ada', 'it counts as work of whoever submitted the parent');
  assert.equal((await cancel(String(id))).status, 202);
});

test('it cancels neither what others submitted nor itself', bounded, async (t) => {
  const { cancel, engine } = await open(t);
  for (const id of ['1', '2']) {
    const answer = await cancel(id);
    assert.equal(answer.status, 403, answer.text);
    assert.match(answer.text, /was not submitted by task 1\.main\.0/);
    assert.equal(engine.state.workload(id as WorkloadId)?.cancelledBy, undefined);
  }
  for (const id of ['3', '99']) assert.equal((await cancel(id)).status, 404, id);
});

test(
  'a child has the isolation of its parent, whatever it says, and no more priority',
  bounded,
  async (t) => {
    const wider = { isolation: { user: 'root', writable: ['/'], secrets: isolation.secrets! } };
    const { submitIt, engine } = await open(t, wider, 900);
    const answer = await submitIt();
    assert.equal(answer.status, 201, answer.text);
    const spec = engine.state.workload('4' as WorkloadId)!.spec;
    assert.equal(spec.priority, 5);
    assert.deepEqual(spec.steps[0]!.execution?.isolation, { ...isolation, daemonAccess: false });
  },
);

const volume = { name: 'data', size: bytes(1), mountPath: '/d', readOnly: true };
const refused: Record<string, { terms: ExecutionTerms; why: RegExp }> = {
  'a secret': {
    terms: { isolation: { secrets: [{ secret: 'beta', as: 'environment', name: 'B' }] } },
    why: /no secret beta itself/,
  },
  'a volume': { terms: { storage: { volumes: [volume] } }, why: /no volume data itself/ },
};
for (const [what, { terms, why }] of Object.entries(refused)) {
  test(`a child asks in vain for ${what} that its parent was not given`, bounded, async (t) => {
    const { submitIt } = await open(t, terms);
    const answer = await submitIt();
    assert.equal(answer.status, 403);
    assert.match(answer.text, why);
  });
}

test(
  'over the wire, too, a task is refused all else that changes something',
  bounded,
  async (t) => {
    const { ask, token } = await open(t);
    const allowed = ['submitWorkload', 'cancelWorkload'];
    for (const { operationId, method, path } of operations) {
      if (method === 'get' || allowed.includes(operationId)) continue;
      const answer = await ask(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, '1'), { token });
      assert.equal(answer.status, 403, operationId);
      assert.match(answer.text, /The role task may not/);
    }
  },
);
