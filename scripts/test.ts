// Runs the suites and ends with a plain count. `--suite system` or `browser` runs what needs root or Chromium instead.
import { globSync } from 'node:fs';
import { join } from 'node:path';
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
  default: ['test/**/*.test.ts'],
  system: ['test/system/**/*.test.ts'],
  browser: ['test/browser/**/*.test.ts'],
};
const files =
  positionals.length > 0 ? positionals : (patterns[values.suite] ?? []).flatMap((p) => globSync(p));
if (files.length === 0) {
  process.stderr.write(`no tests for suite ${values.suite}\n`);
  process.exit(64);
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
const stream = run({ files: files.sort(), concurrency: Number(jobs), timeout: 600_000 });
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
  process.stdout.write(`\nTests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
});
stream.compose(values.verbose ? spec : dot).pipe(process.stdout, { end: false });
