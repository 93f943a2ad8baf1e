import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Browser, Page } from 'playwright-core';
import { load, rounded } from '../../bench/cpu-time.ts';
import { buildPage, builtPage, launch } from './open-page.ts';

// Frames of the page while much changes, as JSON: `npm run -s bench -- frames`.
const root = new URL('../..', import.meta.url).pathname;

const scenes = [
  { name: 'workload of 10,000 tasks', scenario: 'changingTasks', hash: '#/workloads/1' },
  { name: 'list of 10,000 workloads', scenario: 'changingWorkloads', hash: '#/workloads' },
  { name: 'the list, scrolled', scenario: 'changingWorkloads', hash: '#/workloads', scrolls: true },
  { name: 'queue of 10,000 workloads', scenario: 'changingWorkloads', hash: '#/queue' },
  { name: 'overview of 10,000 workloads', scenario: 'changingWorkloads', hash: '#/' },
] as const;

const viewport = { width: 1280, height: 900 };
/** In each frame: three rows, as far as a quick hand gets. */
const SCROLL_PX = 96;
/** A frame of 60 Hz. */
const FRAME_MS = 1_000 / 60;

const [seconds = '8', wanted = ''] = process.argv.slice(2);
const ms = Number(seconds) * 1_000;
buildPage();
const loadBefore = load();
const browser = await launch();
try {
  const results = [];
  for (const scene of scenes.filter(({ name }) => name.includes(wanted))) {
    // Each beside a page that does nothing, in the same minute: the machine is shared.
    const blank = await blankFrames(browser, 'scrolls' in scene);
    const shown = await sceneFrames(browser, scene);
    const ratio = rounded(shown.p95_ms / blank.p95_ms);
    results.push({ scene: scene.name, ...shown, blank, p95_ratio: ratio });
  }
  process.stdout.write(JSON.stringify({ results, load: [loadBefore, load()] }));
} finally {
  await browser.close();
}

/** Of a page that has nothing to do; of plain lines where it is scrolled, as much as one can do. */
async function blankFrames(browser: Browser, scrolls: boolean) {
  const page = await browser.newPage({ viewport });
  const line = 'job-1 waiting 0 of 1 default 3m 04s '.repeat(4);
  if (scrolls) await page.setContent(`<pre>${`${line}\n`.repeat(2_000)}</pre>`);
  const moved = scrolls ? scroll(page, ms / 2) : undefined;
  const frames = await framesOf(page, ms / 2);
  await moved;
  await page.close();
  return frames;
}

async function sceneFrames(browser: Browser, scene: (typeof scenes)[number]) {
  const { child, url } = await serve(scene.scenario);
  const context = await browser.newContext({ viewport });
  try {
    const page = await context.newPage();
    await page.goto(url);
    await page.goto(new URL(`/${scene.hash}`, url).href);
    await page.getByText(/^live$/).waitFor({ timeout: 30_000 });
    await page.locator('main [data-row], main .lead').first().waitFor({ timeout: 30_000 });
    const moved = 'scrolls' in scene ? scroll(page, ms) : undefined;
    const frames = await framesOf(page, ms);
    await moved;
    return frames;
  } finally {
    await context.close();
    child.kill('SIGINT');
    await once(child, 'close');
  }
}

/** The scenario in a process of its own, as a daemon is: it goes on by a second each second. */
async function serve(
  scenario: string,
): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const child = spawn(
    process.execPath,
    ['test/browser/play-scenario.ts', scenario, '0', builtPage],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, url: line.toString().trim() };
}

async function scroll(page: Page, ms: number): Promise<void> {
  await page.mouse.move(700, 500);
  for (const until = performance.now() + ms; performance.now() < until; ) {
    await page.mouse.wheel(0, SCROLL_PX);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

/** Times between frames as the page itself sees them, and what kept it busy for 50 ms and longer. */
async function framesOf(page: Page, ms: number) {
  const { gaps, long } = await page.evaluate(record, ms);
  const sorted = gaps.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  // What a clock of microseconds rounds does not make a frame late.
  const inTime = gaps.filter((gap) => gap < FRAME_MS + 1).length;
  return {
    frames: gaps.length,
    per_second: rounded((1_000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0)),
    p50_ms: rounded(at(0.5)),
    p95_ms: rounded(at(0.95)),
    p99_ms: rounded(at(0.99)),
    worst_ms: rounded(at(1)),
    share_in_time: rounded(inTime / gaps.length),
    long_tasks: long.length,
    longest_task_ms: rounded(Math.max(0, ...long)),
  };
}

/** Runs inside the page. */
async function record(ms: number): Promise<{ gaps: number[]; long: number[] }> {
  const long: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) long.push(duration);
  });
  observer.observe({ type: 'longtask' });
  const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
  const gaps: number[] = [];
  let last = await frame();
  for (const end = last + ms; last < end; ) {
    const now = await frame();
    gaps.push(now - last);
    last = now;
  }
  observer.disconnect();
  return { gaps, long };
}
