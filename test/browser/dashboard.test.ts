import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openServer } from '../../src/api/io/server.ts';
import { parseWords, TOKEN } from '../api/open-site.ts';
import {
  busyLab,
  emptySite,
  failedWithOom,
  manyTasks,
  manyWorkloads,
  oneRunning,
  scenarios,
} from '../api/scenarios.ts';
import { GIB } from '../api/toy-workload.ts';
import { leaseSite } from '../builders/lease-site.ts';
import { noAlerts } from '../builders/no-alerts.ts';
import { noDoctor } from '../builders/no-doctor.ts';
import { noExposition } from '../builders/no-exposition.ts';
import { noMetrics } from '../builders/no-metrics.ts';
import { noMoney } from '../builders/no-money.ts';
import { noReports } from '../builders/no-reports.ts';
import { noSettings } from '../builders/no-settings.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { noTransfers } from '../builders/no-transfers.ts';
import { noWhatIf } from '../builders/no-what-if.ts';
import { lookOver, looks } from './look-over.ts';
import type { OpenPage } from './open-page.ts';
import { pageTests } from './page-tests.ts';

const { bounded, openPage } = pageTests();

const rowsOf = ({ page }: OpenPage, table: string): Promise<string[]> =>
  page
    .getByRole('table', { name: table, exact: true })
    .locator('[data-row]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-row') ?? ''));

test('with nothing submitted the page teaches the first command', bounded, async (t) => {
  const opened = await openPage(t, emptySite());
  await opened.see('All well. Nothing runs, nothing waits.');
  await opened.see('berth run examples/quickstart.yaml');
  await opened.shot('overview-empty');
  await opened.go('#/queue');
  await opened.see('Nothing waits to begin.');
  await opened.shot('queue-empty');
  await opened.go('#/workloads');
  await opened.see('No workloads.');
  assert.deepEqual(opened.complaints, []);
});

test('a running workload is followed as it goes', bounded, async (t) => {
  const opened = await openPage(t, oneRunning(), { hash: '#/workloads/1' });
  const { page, site, see } = opened;
  await see('Runs for 1m 35s: train with 4 of 4 tasks.');
  await see(/\[fold 3\] step 3280/);
  await opened.shot('workload-running');
  site.advance(5_000);
  await see('Runs for 1m 40s: train with 4 of 4 tasks.');
  await see(/\[fold 3\] step 3520/);
  site.advance(300_000);
  await see(/^Done in/);
  assert.equal(await page.getByRole('button', { name: 'Cancel…' }).count(), 0);
  assert.deepEqual(opened.complaints, []);
});

test('a failure by memory says so, attempt by attempt', bounded, async (t) => {
  const opened = await openPage(t, failedWithOom(), { hash: '#/workloads/1' });
  const { page, see } = opened;
  await see(
    /Failed after 2m 06s\. Killed for memory after 42s: it reached 9\.0 GiB of the 9\.0 GiB/,
  );
  assert.deepEqual(await rowsOf(opened, 'Attempts'), ['1.main.0.3', '1.main.0.2', '1.main.0.1']);
  assert.equal(await page.getByRole('cell', { name: 'out of memory' }).count(), 3);
  await page.getByRole('button', { name: 'stderr' }).click();
  await page.locator('.log-line', { hasText: 'The kernel killed python' }).waitFor();
  await opened.shot('workload-oom');
  await page.locator('[data-row="1.main.0.1"]').click();
  await page.waitForURL(/attempt=1\.main\.0\.1$/);
  await page.locator('.log-part', { hasText: 'it reached 4.0 GiB of the 4.0 GiB' }).waitFor();
});

test('2,000 tasks are shown without 2,000 rows in the document', bounded, async (t) => {
  const opened = await openPage(t, manyTasks(), { hash: '#/workloads/1' });
  const { page, site, see } = opened;
  await see(/embed with 64 of/);
  const table = page.getByRole('table', { name: 'Attempts' });
  await table.waitFor();
  const all = Number(await table.getAttribute('aria-rowcount')) - 1;
  assert.ok(all > 1_200, `${all} attempts`);
  assert.ok((await rowsOf(opened, 'Attempts')).length < 120);
  await opened.shot('workload-2000-tasks');
  const before = site.now;
  await page.locator('.row-table.inner').evaluate((element) => {
    element.scrollTop = element.scrollHeight;
  });
  await page.locator('[data-row="1.embed.0.1"]').waitFor();
  assert.ok((await rowsOf(opened, 'Attempts')).length < 120);
  await page.getByRole('button', { name: 'not done' }).click();
  await see(/^\d+ of 1\u202f\d+$/);
  await page.getByRole('cell', { name: 'failed, exit 1' }).first().waitFor();
  assert.equal(await page.getByRole('cell', { name: 'done', exact: true }).count(), 0);
  site.advance(60_000);
  await see(/Runs for 4m 00s/);
  assert.equal(site.now, before + 60_000);
  assert.deepEqual(opened.complaints, []);
});

test('1,200 workloads can be filtered and scrolled', bounded, async (t) => {
  const opened = await openPage(t, manyWorkloads(), { hash: '#/workloads' });
  const { page, see } = opened;
  await see('1\u202f200 workloads.');
  assert.ok((await rowsOf(opened, 'Workloads')).length < 120);
  await opened.shot('workloads-many');
  await page.getByRole('button', { name: 'older' }).click();
  await page.locator('[data-row="200"]').waitFor();
  await page.getByLabel('Filter').fill('job-17');
  await page.locator('[data-row="180"]').waitFor();
  assert.deepEqual(
    await rowsOf(opened, 'Workloads'),
    [180, 179, 178, 177, 176, 175, 174, 173, 172, 171, 18].map(String),
  );
});

test('the queue says who waits for what, and what would change it', bounded, async (t) => {
  const opened = await openPage(t, busyLab(), { hash: '#/queue' });
  await opened.see('Asks 2 GPUs; lab-3 has 0 free.');
  await opened.see('It starts when 2 more are free; likely when train-7b ends.');
  await opened.see('berth why 5');
  assert.deepEqual(await rowsOf(opened, 'Asks 2 GPUs; lab-3 has 0 free.'), ['5', '7']);
  await opened.shot('queue-busy');
});

for (const [name, look] of Object.entries({
  ...looks,
  wide: { width: 1760, height: 1000 },
})) {
  test(`every page, ${name}: readable, named, within the screen`, bounded, async (t) => {
    const opened = await openPage(t, busyLab(), look);
    const { page, see, go, shot } = opened;
    const pages: Record<string, [string, string | RegExp]> = {
      overview: ['#/', /3 running, 3 waiting/],
      queue: ['#/queue', 'Asks 40 CPUs; lab-3 has 8 free.'],
      workloads: ['#/workloads', '9 workloads.'],
      workload: ['#/workloads/9', /^Runs for/],
      nodes: ['#/nodes', /1 node with 48 CPUs and 4 GPUs/],
    };
    for (const [at, [hash, text]] of Object.entries(pages)) {
      await go(hash);
      await see(text);
      await see(/^live$/);
      await shot(`${at}-${name}`);
      await lookOver(opened, at);
    }
    for (const role of ['banner', 'navigation', 'main'] as const) {
      assert.equal(await page.getByRole(role).count(), 1, role);
    }
    assert.deepEqual(opened.complaints, []);
  });
}

test('on a phone the pages are at the thumb', bounded, async (t) => {
  const { page, see } = await openPage(t, busyLab(), { phone: true });
  await see(/3 running/);
  const box = await page.getByRole('navigation').boundingBox();
  assert.ok(box !== null && Math.round(box.y + box.height) === 844 && box.width === 390);
  await page.getByRole('link', { name: /^Queue/ }).click();
  await see('Asks 40 CPUs; lab-3 has 8 free.');
});

test('the keyboard alone reaches everything', bounded, async (t) => {
  const { page, see, shot } = await openPage(t, busyLab());
  await see(/3 running/);
  const { keyboard } = page;
  await keyboard.press('j');
  await keyboard.press('j');
  await keyboard.press('j');
  await keyboard.press('k');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-row')), '4');
  await shot('keyboard-focus');
  await keyboard.press('Enter');
  await page.waitForURL(/#\/workloads\/4$/);
  await see('train with 4 of 4 tasks');
  await keyboard.press('u');
  await page.waitForURL(/#\/workloads$/);
  for (const [key, hash] of [
    ['n', '#/nodes'],
    ['q', '#/queue'],
    ['o', '#/'],
    ['w', '#/workloads'],
  ] as const) {
    await keyboard.press('g');
    await keyboard.press(key);
    await page.waitForURL((url) => url.hash === hash);
  }
  await keyboard.press('/');
  await keyboard.type('lora');
  await page.getByRole('option', { name: /finetune-lora/ }).waitFor();
  await shot('search');
  await keyboard.press('Enter');
  await page.waitForURL(/#\/workloads\/7$/);
  await see(/Waits for/);
  await keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await shot('keys');
  await keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
  await keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
});

test('the theme is switched by a key and remembered', bounded, async (t) => {
  const { page, see } = await openPage(t, emptySite());
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await see('All well.');
  assert.equal(await ground(), 'rgb(252, 252, 251)');
  await page.keyboard.press('t');
  assert.equal(await ground(), 'rgb(18, 21, 23)');
  await page.reload();
  await see('All well.');
  assert.equal(await ground(), 'rgb(18, 21, 23)');
});

test('rows keep their place while the pointer is on the table', bounded, async (t) => {
  const opened = await openPage(t, busyLab(), { hash: '#/workloads' });
  const { page, site, see } = opened;
  await see('9 workloads.');
  const before = await rowsOf(opened, 'Workloads');
  await page.locator('[data-row="4"]').hover();
  site.add({
    name: 'late',
    steps: [{ id: 'a', command: 'x', cpuMilli: 1_000, memoryBytes: GIB, runMs: 60_000 }],
  });
  site.advance(1_000);
  await see('1 new, shown when the pointer leaves the table');
  assert.deepEqual(await rowsOf(opened, 'Workloads'), before);
  await page.mouse.move(10, 10);
  await page.locator('[data-row="10"]').waitFor();
  assert.deepEqual(await rowsOf(opened, 'Workloads'), ['10', ...before]);
});

test(
  'without the daemon the page says how old its data is, and comes back by itself',
  bounded,
  async (t) => {
    const { page, server, site, see, port, folder, shot } = await openPage(t, oneRunning());
    await see(/^live$/);
    await server.close();
    await see(/^data \d+s old$/);
    await see(/Last known, at/);
    await see(/1 running/);
    await see('The daemon does not answer.');
    await shot('paused');
    site.advance(400_000);
    const again = await openServer({
      site,
      leases: leaseSite().leases,
      transfers: noTransfers,
      ...noMetrics,
      ...noMoney,
      ...noDoctor,
      ...noReports,
      ...noWhatIf,
      ...noSettings,
      ...noExposition,
      alerts: noAlerts,
      ...noTokens,
      token: TOKEN,
      socketPath: `${folder}/berth.sock`,
      host: '127.0.0.1',
      port,
      webDir: folder,
      parse: parseWords,
      log: assert.fail,
    });
    t.after(() => again.close());
    await see(/^live$/);
    await see(/Nothing runs/);
    await page.waitForFunction(() => document.querySelector('[role="alert"]') === null);
  },
);

test('a browser that the daemon does not know is asked for the token', bounded, async (t) => {
  const { page, see, shot } = await openPage(t, oneRunning(), { token: null });
  await see('This daemon does not know this browser yet.');
  await shot('locked');
  await page.getByLabel('Token').fill('wrong');
  await page.keyboard.press('Enter');
  await see('That is not the token of this daemon.');
  await page.getByLabel('Token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await see(/All well\. 1 running/);
});

test('a workload is cancelled only after a confirmation', bounded, async (t) => {
  const { page, site, see, shot } = await openPage(t, oneRunning(), {
    hash: '#/workloads/1',
  });
  const status = () => site.workload('1' as never)?.status;
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await see('4 running tasks get SIGTERM, and SIGKILL after 10s. 1 waiting task will never start.');
  await shot('cancel');
  await page.getByRole('button', { name: 'Keep it' }).click();
  assert.equal(status(), 'running');
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await page.getByRole('button', { name: 'Cancel the workload' }).click();
  await see(/^Cancelled after/);
  assert.equal(status(), 'cancelled');
});

test('the log can be searched, and what came before can be fetched', bounded, async (t) => {
  const site = oneRunning();
  const attempt = '1.train.3.1';
  for (let i = 0; i < 4_000; i++)
    site.write(attempt, 'stdout', `line ${String(i).padStart(5, '0')} of many\n`);
  const { page, see } = await openPage(t, site, {
    hash: `#/workloads/1?attempt=${attempt}`,
  });
  await see('line 03999 of many');
  await page.getByLabel('Search the log').fill('line 0399');
  await see('1 of 10');
  await page.keyboard.press('Enter');
  await see('2 of 10');
  assert.equal(await page.locator('.log-line.chosen mark').textContent(), 'line 0399');
  await page.getByLabel('Search the log').fill('line 00007');
  await see('none');
  await page.locator('.log-box').evaluate((box) => {
    box.scrollTop = 0;
  });
  await page.getByRole('button', { name: /show earlier/ }).click();
  await see('1 of 1');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByText('download').click(),
  ]);
  assert.equal(download.suggestedFilename(), `${attempt}.stdout.log`);
});

test('what tasks and people write is text and never markup', bounded, async (t) => {
  const site = emptySite();
  const nasty = '<img src=x onerror="document.title=1">';
  site.add({
    name: nasty,
    source: `name: ${nasty}\n`,
    steps: [
      {
        id: 'a',
        command: nasty,
        cpuMilli: 1_000,
        memoryBytes: GIB,
        runMs: 60_000,
        says: () => nasty,
      },
    ],
  });
  site.advance(3_000);
  const { page, see, complaints } = await openPage(t, site, { hash: '#/workloads/1' });
  await see(/^Runs for/);
  await page.locator('.log-line', { hasText: nasty }).first().waitFor();
  assert.equal(await page.locator('img').count(), 0);
  assert.deepEqual(complaints, []);
});

for (const [name, hash, text] of [
  ['overview', '#/', 'crawl-clean'],
  ['workload', '#/workloads/9', 'Runs for'],
  ['workloads', '#/workloads', '9 workloads.'],
] as const) {
  test(`nothing jumps while the ${name} loads`, bounded, async (t) => {
    const { page, see } = await openPage(t, busyLab(), { hash });
    await page.addInitScript(() => {
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          const { value } = entry as unknown as { value: number };
          Object.assign(globalThis, {
            shifted: ((globalThis as { shifted?: number }).shifted ?? 0) + value,
          });
        }
      }).observe({ entryTypes: ['layout-shift'] as never });
    });
    await page.reload();
    await see(text);
    await see(/^live$/);
    await page.waitForTimeout(300);
    const shifted = await page.evaluate(() => (globalThis as { shifted?: number }).shifted ?? 0);
    assert.ok(shifted < 0.02, `layout shift ${shifted}`);
  });
}

test('every scenario opens without a complaint', bounded, async (t) => {
  for (const [name, make] of Object.entries(scenarios)) {
    const { see, complaints, page } = await openPage(t, make());
    await see(/running,|Nothing runs/);
    assert.deepEqual(complaints, [], name);
    await page.close();
  }
});
