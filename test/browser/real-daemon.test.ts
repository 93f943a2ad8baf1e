import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { berth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { launch, skipReason } from './open-page.ts';

const SHOTS = join(import.meta.dirname, '../../test-output/screenshots');
const burn = `exec perl -e 'alarm 60; 1 while 1'`;

const skip = skipReason();
let browser: Browser;
before(async () => {
  if (skip === false) browser = await launch();
});
after(async () => browser?.close());

test('every page against a real daemon that measures a real task', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const { state, write } = scratchState(t);
  await berth(state, 'up', '-d', '--port', '0');
  const { url } = await berth(state, 'status');
  const resources = { cpu: 0.5, memory: '64Mi' };
  const { id } = await berth(
    state,
    'submit',
    write('job.json', JSON.stringify({ name: 'burner', run: burn, resources })),
  );
  await berth(state, 'run', write('bad.json', JSON.stringify({ name: 'bad', run: 'exit 3' })));
  const page = await browser.newPage();
  t.after(() => page.close());
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  const token = readFileSync(join(state, 'token'), 'utf8').trim();
  await page.goto(`${url}/login?token=${token}`);
  mkdirSync(SHOTS, { recursive: true });
  const seen: Record<string, RegExp> = {
    '': /1 running/,
    queue: /queue/i,
    workloads: /burner/,
    [`workloads/${id}`]: /CPU/,
    nodes: /CPUs/,
    tenants: /tenant|holds/i,
    cost: /cost|spent|price/i,
    alerts: /12 rules|rules/i,
    doctor: /Looked at|looked at/,
    reports: /Indicators|indicator/i,
    metrics: /\d+ metrics, \d+ series/,
    'metrics/berth_node_cpu_busy_ratio': /^1 series over 1h$/,
    settings: /settings are set: 2 by the command line/,
  };
  for (const [hash, text] of Object.entries(seen)) {
    await page.goto(`${url}/#/${hash}`);
    await page.getByText(text).first().waitFor();
    await page.getByText(/^live$/).waitFor();
    if (hash === '') {
      const [paint] = await page.evaluate(() =>
        performance.getEntriesByName('first-contentful-paint').map((one) => one.startTime),
      );
      t.diagnostic(`first paint after ${paint?.toFixed(0)} ms`);
    }
    await page.screenshot({
      path: join(SHOTS, `real-${hash.replaceAll('/', '-') || 'overview'}.png`),
      fullPage: true,
    });
  }
  assert.deepEqual(complaints, []);
});
