// Runs the suites and ends with a plain count. `--suite end-to-end` runs whole daemons, `system` and `browser` what needs
// root or Chromium.
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { dot, spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', default: 'default' },
    verbose: { type: 'boolean', default: false },
    jobs: { type: 'string' },
  },
});
const patterns: Record<string, readonly string[]> = {
  default: ['test/!(system|browser|end-to-end)/**/*.test.ts', 'test/*.test.ts'],
  'end-to-end': ['test/end-to-end/**/*.test.ts'],
  system: ['test/system/**/*.test.ts'],
  browser: ['test/browser/**/*.test.ts'],
};
const files =
  positionals.length > 0 ? positionals : (patterns[values.suite] ?? []).flatMap((p) => globSync(p));
if (files.length === 0) {
  process.stderr.write(`no tests for suite ${values.suite}\n`);
  process.exit(64);
}
// To start a process for a file and load what it needs takes longer than most tests of pure rooms: several share one.
const pure =
  /^test\/(admission|analysis|autoscaling|engine|expression|forecasting|gateway|inventory|pipeline|planning|scheduling|simulation|spec|statistics|web)\//;
const FILES_AT_ONCE = 8;
const groups = mkdtempSync(join(tmpdir(), 'berth-groups-'));
process.on('exit', () => rmSync(groups, { recursive: true, force: true }));

/** Files that each have a process: those that are given, or ones that stand for several of pure rooms. */
function processes(all: readonly string[]): string[] {
  const alone = all.filter((file) => !pure.test(file));
  const shared = [
    ...Map.groupBy(
      all.filter((file) => pure.test(file)),
      (file) => pure.exec(file)![1],
    ),
  ];
  return shared.reduce((made, [room, of]) => {
    for (let i = 0; i < of.length; i += FILES_AT_ONCE) {
      const path = join(groups, `${room}-${i}.test.mjs`);
      const some = of.slice(i, i + FILES_AT_ONCE).map((file) => JSON.stringify(resolve(file)));
      // One that cannot be loaded is told by its name, and the others run.
      const loads = some.map((file) => `await import(${file}).catch(failed(${file}));\n`);
      const failed = 'const failed = (file) => (why) => void test(file, () => { throw why; });\n';
      writeFileSync(path, `import { test } from 'node:test';\n${failed}${loads.join('')}`);
      made.push(path);
    }
    return made;
  }, alone);
}

// Suites that need root or Chromium skip themselves, visibly, unless they are asked for by name.
process.env['BERTH_SUITE'] = positionals.length > 0 ? 'all' : values.suite;
// What one process has stripped of its types and compiled, the next need not: half the time of a small file.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/berth');
// Each file of the browser suite builds the page into the same folder; of the default one many files wait for processes.
const jobs = values.jobs ?? { browser: '1', system: '2' }[values.suite] ?? '3';
let passed = 0;
let failed = 0;
let skipped = 0;
const asked = positionals.length > 0 ? files : processes(files);
const stream = run({ files: asked.sort(), concurrency: Number(jobs), timeout: 600_000 });
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite') return;
  if (event.skip !== undefined || event.todo !== undefined) skipped++;
  else passed++;
});
stream.on('test:fail', (event) => {
  if (event.details.type !== 'suite') failed++;
  process.exitCode = 1;
});
stream.on('end', () => {
  if (positionals.length === 0 && values.suite === 'default') {
    const others = ['end-to-end', 'system', 'browser'].map((one) => {
      const { length } = patterns[one]!.flatMap((pattern) => globSync(pattern));
      return `${length} files of suite ${one}`;
    });
    process.stdout.write(`\nNot run: ${others.join(', ')} (npm test -- --suite NAME).\n`);
  }
  process.stdout.write(`\nTests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
});
stream.compose(values.verbose ? spec : dot).pipe(process.stdout, { end: false });
