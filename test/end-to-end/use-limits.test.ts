import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';

const small = 'resources: {cpu: 50m, memory: 64Mi}';
/** Of actions: Node needs 0.4 s of CPU to start, which with 50m are 8 s. */
const program = 'resources: {cpu: 1, memory: 64Mi}';

/** A model that answers every question with as many tokens. */
async function openModel(t: { after: (end: () => void) => void }, tokens: number) {
  const asked: number[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      asked.push(JSON.parse(body).max_tokens);
      const usage = { prompt_tokens: 4, completion_tokens: tokens - 4 };
      const choices = [{ message: { content: 'fine' } }];
      response.end(JSON.stringify({ model: 'small', choices, usage }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

test('calls of models and tokens end what goes beyond its limits, and no call beyond them is made', {
  timeout: 180_000,
}, async (t) => {
  const { state } = scratchState(t);
  const daemon = await up(state);
  t.after(() => kill(daemon));
  const model = await openModel(t, 100);
  const ran = async (text: string) => {
    const done = await runBerth(['run', '-', '--json', '--state', state], { stdin: text });
    return { ...JSON.parse(done.stdout), code: done.code };
  };
  const asks = `action: analyze_with_ai, with: {prompt: How is it?, endpoint: "${model.url}"}`;

  const calls = await ran(
    `name: calls\n${'pipeline: {resource_limits: {cost_limits: {max_model_calls: 3}}}'}\n` +
      `defaults: {${program}}\nsteps: [{id: ask, ${asks}, count: 5, parallel: 1}, {id: after, needs: ask, run: "true"}]\n`,
  );
  assert.deepEqual(
    [calls.status, calls.limit_reached?.limit, calls.used.model_calls, model.asked.length],
    ['failed', 'model-calls', 4, 3],
    JSON.stringify(calls),
  );
  assert.match(calls.limit_reached.message, /told of 4 calls of models, and may have 3/);
  assert.equal(calls.steps[1].attempts.length, 0);

  model.asked.length = 0;
  const tokens = await ran(
    `name: tokens\npipeline: {resource_limits: {cost_limits: {max_tokens: 250}}}\n` +
      `defaults: {${program}}\nsteps: [{id: ask, ${asks}, count: 5, parallel: 1}]\n`,
  );
  assert.deepEqual(
    [tokens.status, tokens.limit_reached?.limit, tokens.used.tokens],
    ['failed', 'tokens', 300],
  );
  // The question has about three tokens; what is left of 250 is asked for at most.
  assert.deepEqual(model.asked, [247, 147, 47]);

  const [own, results, none] = await Promise.all([
    ran(
      `${small}\nresource_limits: {max_tokens: 10, grace_period: 1s}\nretry: {max_retries: 3}\n` +
        'run: |\n  echo "$BERTH_ATTEMPT_ID model_calls=1 tokens=12" >> "$BERTH_USAGE"\n  exec sleep 100\n',
    ),
    ran(
      `${small}\nresource_limits: {max_results: 2}\n` +
        'run: echo "$BERTH_ATTEMPT_ID results=3" >> "$BERTH_USAGE"\n',
    ),
    ran(
      `${program}\nresource_limits: {max_model_calls: 0}\naction: analyze_with_ai\nwith: {prompt: x, endpoint: "${model.url}"}\n`,
    ),
  ]);
  const [attempt, ...others] = own.steps[0].attempts;
  assert.deepEqual(
    [attempt.cause, attempt.used, others],
    ['tokens-exceeded', { model_calls: 1, tokens: 12 }, []],
  );
  assert.ok(attempt.wall_ms < 30_000, 'it was stopped while it ran');
  assert.match(attempt.message, /It told of 12 tokens, and may have 10\./);
  assert.equal(results.steps[0].attempts[0].cause, 'results-exceeded');
  assert.equal(none.steps[0].attempts[0].cause, 'model-calls-exceeded');
  assert.equal(model.asked.length, 3, 'the call that is too many was not made');
});

test('what a task told before the daemon was killed is counted once', {
  timeout: 180_000,
}, async (t) => {
  const { state, write } = scratchState(t);
  let daemon: ChildProcess | undefined = await up(state);
  t.after(() => daemon && kill(daemon));
  const go = `${state}-go`;
  const job = write(
    'job.yaml',
    `${small}\nname: told\npipeline: {resource_limits: {cost_limits: {max_tokens: 30}}}\nrun: |\n` +
      `  echo "$BERTH_ATTEMPT_ID tokens=10" >> "$BERTH_USAGE"\n` +
      `  until [ -e ${go} ]; do sleep 0.05; done\n` +
      `  echo "$BERTH_ATTEMPT_ID tokens=20" >> "$BERTH_USAGE"\n`,
  );
  const { id } = await berth(state, 'submit', job);
  const told = async (): Promise<number | undefined> => {
    const { url } = await berth(state, 'status');
    const token = readFileSync(join(state, 'token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/api/v1/workloads/${id}`, { headers });
    const document = (await answer.json()) as { used?: { tokens?: number } };
    return document.used?.tokens;
  };
  while ((await told()) !== 10) await once(AbortSignal.timeout(50), 'abort');
  await kill(daemon);
  write('state-go', '');
  daemon = await up(state);
  const waited = await runBerth(['wait', String(id), '--state', state]);
  assert.equal(waited.code, 0, waited.stderr);
  assert.equal(await told(), 30);
});
