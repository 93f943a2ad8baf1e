import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { AttemptId, WorkloadId } from '../../src/model/ids.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { bench } from '../builders/engine-bench.ts';
import { dollars, money, paidSite, rates } from '../builders/money.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { GIB, node } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const spec = (rest = '') => {
  const parsed = parseDocument(`${seedBlock('task-limits')}${rest}`, { fileName: 'p.yaml' });
  assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  const about = parsed.warnings.filter(({ path }) => path.includes('resource_limits'));
  assert.deepEqual(about, [], 'none of the limits is ignored');
  return parsed.spec;
};
const open = () => {
  const b = bench(node('n', { cpu: 64_000, memory: 2 ** 40 }));
  b.submit(spec());
  return b;
};

test('timeout and bandwidth are those of each attempt', whereSeed, () => {
  const [search, ai] = spec().steps;
  assert.deepEqual([search!.limits.wallMs, ai!.limits.wallMs], [30_000, 300_000]);
  const { ingress, egress, proxied } = search!.execution!.network!;
  assert.deepEqual([ingress, egress, proxied], [10_000_000, 10_000_000, true]);
});

test('max_retries, max_results and max_requests of web_search', whereSeed, () => {
  const b = open();
  for (const attempt of [1, 2, 3]) {
    b.end(`1.web_search.0.${attempt}`, 'failed');
    b.wait(600_000);
  }
  const [search] = b.engine.state.workload('1' as WorkloadId)!.steps;
  assert.deepEqual([search!.tasks[0]!.attempts.length, search!.tasks[0]!.state], [3, 'failed']);

  for (const [key, most, cause] of [
    ['results', 100, 'results-exceeded'],
    ['requests', 50, 'requests-exceeded'],
  ] as const) {
    const other = open();
    assert.deepEqual(other.uses('1.web_search.0.1', { [key]: most }), ['attempt-used']);
    other.uses('1.web_search.0.1', { [key]: most + 1 });
    other.end('1.web_search.0.1', 'cancelled');
    const attempt = other.engine.state.attempt('1.web_search.0.1' as AttemptId)!;
    assert.equal(attempt.end?.cause, cause);
    assert.equal(attempt.task.attempts.length, 1, 'it is not tried again');
  }
});

test('max_tokens and memory of ai_analysis', whereSeed, () => {
  const b = open();
  const attempt = b.engine.state.attempt('1.ai_analysis.0.1' as AttemptId)!;
  assert.equal(attempt.placement.memoryLimit, 4 * GIB);
  assert.deepEqual(b.uses('1.ai_analysis.0.1', { tokens: 10_000 }), ['attempt-used']);
  assert.equal(
    b.uses('1.ai_analysis.0.1', { tokens: 10_001 })[1],
    'stop 1.ai_analysis.0.1 over-limit',
  );
  b.end('1.ai_analysis.0.1', 'cancelled');
  assert.equal(attempt.end?.cause, 'tokens-exceeded');
});

test('max_cost of ai_analysis stops it when 5 dollars are spent', whereSeed, () => {
  // A CPU is what it holds: a tenth of one, at 600 dollars an hour of a whole.
  const dear = { ...rates, cpuHour: dollars(6_000) };
  const site = paidSite(money([], { prices: { rates: [dear], models: [] } }));
  assert.equal(site.submitSpec(spec('defaults: {resources: {cpu: 100m}}\n')), undefined);
  site.pass();
  const attempt = site.engine.state.attempt('1.ai_analysis.0.1' as AttemptId)!;
  let seconds = 0;
  for (; attempt.stop === undefined && seconds < 60; seconds++) {
    site.now += 1_000;
    site.pass();
  }
  // Ten dollars a minute: half a minute is five dollars.
  assert.equal(attempt.stop, 'over-budget');
  assert.ok(seconds <= 30, `${seconds} s`);
  site.end(attempt.id, 'cancelled');
  assert.equal(attempt.end?.cause, 'over-budget');
  assert.ok((attempt.cost?.charged ?? 0) <= dollars(5));
});

test(
  'the steps as they are written run, and keep to their limits by themselves',
  whereSeed,
  async (t) => {
    const { state } = scratchState(t);
    const asked: number[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => {
        body += piece;
      });
      request.on('end', () => {
        if (request.url === '/robots.txt') response.writeHead(404).end();
        else if (request.url === '/search') {
          const found = Array.from({ length: 150 }, (_, i) => ({ title: `T${i}`, url: `/r/${i}` }));
          response.end(JSON.stringify(found));
        } else {
          asked.push(JSON.parse(body).max_tokens);
          const usage = { prompt_tokens: 20, completion_tokens: 30 };
          const choices = [{ message: { content: 'fine' } }];
          response.end(JSON.stringify({ model: 'small', choices, usage }));
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const daemon = await up(state);
    t.after(() => kill(daemon));
    // What the block leaves open: where to search and whom to ask.
    const env = `defaults: {resources: {cpu: 0.5}, env: {SEARCH_URL: "${origin}/search", OPENAI_BASE_URL: "${origin}/v1"}}\n`;
    const text = `${seedBlock('task-limits')}${env}`.replace(
      'action: analyze_with_ai\n',
      'action: analyze_with_ai\n    with: {prompt: How is it?}\n',
    );
    const done = await runBerth(['run', '-', '--json', '--state', state], { stdin: text });
    const { status, steps } = JSON.parse(done.stdout);
    assert.equal(status, 'succeeded', done.stderr);
    const [search, ai] = steps.map((step: { attempts: unknown[] }) => step.attempts[0]);
    assert.deepEqual(search.used, { results: 100 });
    assert.deepEqual(ai.used, { model_calls: 1, tokens: 50 });
    assert.ok(asked[0]! <= 10_000);
    const terms = search.terms.map(({ term }: { term: string }) => term);
    assert.ok(terms.includes('network-requests') && terms.includes('network-egress'), terms.join());
  },
);
