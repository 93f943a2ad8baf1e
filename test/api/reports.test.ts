import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ReportSite,
  reportListSchema,
  reportSchema,
} from '../../src/api/contract/report-documents.ts';
import { kpiListSchema } from '../../src/api/contract/telemetry-documents.ts';
import { reportHtml } from '../../src/api/views/report-html.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { report } from '../builders/report.ts';
import { openSite } from './open-site.ts';

const bounded = { timeout: 20_000 };
const id = 'week-2026-11-23-0600';

/** Notes for whom it is asked. */
function site(asked: unknown[] = []): ReportSite {
  return {
    kpis: async (span, only) => {
      asked.push([span, only]);
      return { from: 0, to: span, complete: true, kpis: [], objectives: [] };
    },
    report: async (span, only) => {
      asked.push([span, only]);
      return report({ metadata: { ...report().metadata, only_tenant: only ?? null } });
    },
    reports: async () => ({ now: 1, reports: [], schedules: [] }),
    kept: async (wanted) => (wanted === id ? report({ id }) : undefined),
  };
}

const documents = {
  '/api/v1/kpis?since=30d': kpiListSchema,
  '/api/v1/report?since=7d': reportSchema,
  '/api/v1/reports': reportListSchema,
  [`/api/v1/reports/${id}`]: reportSchema,
};
for (const [path, schema] of Object.entries(documents)) {
  test(`GET ${path} answers its document`, bounded, async (t) => {
    const { ask } = await openSite(t, undefined, { reports: site() });
    const answer = await ask('GET', path);
    assert.equal(answer.status, 200, answer.text);
    assert.ok(schema.safeParse(answer.json()).success);
  });
}

test('a page comes as a file', bounded, async (t) => {
  const { ask } = await openSite(t, undefined, { reports: site() });
  for (const path of ['/api/v1/report?format=html', `/api/v1/reports/${id}?format=html`]) {
    const { status, headers, text } = await ask('GET', path);
    assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8']);
    assert.match(String(headers['content-disposition']), /^attachment; filename="berth-/);
    assert.match(text, /^<!doctype html>/);
  }
});

test('what is asked wrongly is told', bounded, async (t) => {
  const { ask } = await openSite(t, undefined, { reports: site() });
  const answers: readonly (readonly [path: string, status: number])[] = [
    ['/api/v1/report?since=7', 200],
    ['/api/v1/report?since=soon', 400],
    ['/api/v1/kpis?since=500d', 400],
    ['/api/v1/report?format=pdf', 400],
    ['/api/v1/reports/week-2026', 404],
  ];
  for (const [path, status] of answers) assert.equal((await ask('GET', path)).status, status, path);
});

test('who sees only his own gets his own, and nothing that is kept for all', bounded, async (t) => {
  const asked: unknown[] = [];
  const holders = {
    ...noTokens.holders,
    identify: (token: string) =>
      token === 'of-ada-who-sees-her-own'
        ? ({ role: 'user', tenant: 'ada', sees: 'own' } as never)
        : undefined,
  };
  const { ask } = await openSite(t, undefined, { reports: site(asked), holders });
  const token = 'of-ada-who-sees-her-own';
  const made = await ask('GET', '/api/v1/report', { token });
  assert.equal(reportSchema.parse(made.json()).metadata.only_tenant, 'ada');
  assert.equal((await ask('GET', '/api/v1/kpis', { token })).status, 200);
  assert.deepEqual(
    asked.map((one) => (one as unknown[])[1]),
    ['ada', 'ada'],
  );
  for (const path of ['/api/v1/reports', `/api/v1/reports/${id}`]) {
    assert.equal((await ask('GET', path, { token })).status, 403);
  }
});

test('the page needs nothing else, and what a document calls itself stays text', () => {
  const hostile = '<script>alert(1)</script>"&';
  const page = reportHtml(
    report({
      failures: [{ cause: 'failed', attempts: 1, example: hostile }],
      metadata: { ...report().metadata, site: hostile },
    }),
  );
  assert.doesNotMatch(page, /<script|<link|<img|https?:|url\(|@import/);
  assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&amp;/);
  // Every element that is opened is closed, in order.
  const open: string[] = [];
  for (const [, slash, name, rest] of page.matchAll(/<(\/?)([a-z0-9]+)([^>]*)>/g)) {
    if (['meta', 'br'].includes(name!) || rest!.endsWith('/')) continue;
    if (slash === '') open.push(name!);
    else assert.equal(open.pop(), name);
  }
  // What SVG lets close itself is closed by its slash.
  assert.deepEqual(open, []);
});

test('the page says what is not known, and a gap in what was measured stays a gap', () => {
  const page = reportHtml(report());
  assert.match(page, /<th scope="row">gpu<\/th><td>GPUs busy<\/td><td>unknown<\/td>/);
  assert.match(page, /at least 56\.1 h/);
  const [, line] = /class="line" d="([^"]*)"/.exec(page) ?? [];
  assert.equal(line?.match(/M/g)?.length, 2, 'two runs: three points, and one after a gap');
  assert.match(page, /role="img" aria-label="CPUs busy: mean 40 %, from 10 % to 90 %"/);
});

test('all sections are there, each with a heading, also where nothing is known', () => {
  const page = reportHtml(report({ historical_trends: [], current_status: [], failures: [] }));
  const sections = [...page.matchAll(/<h2 id="(\w+)">/g)].map(([, name]) => name);
  assert.deepEqual(sections, [
    'summary',
    'kpis',
    'objectives',
    'status',
    'trends',
    'workloads',
    'failures',
    'waiting',
    'stages',
    'efficiency',
    'cost',
    'reliability',
    'alerts',
    'findings',
    'recommendations',
    'metadata',
  ]);
});
