// What CI checks before the tests: types, format and lint, dead code, generated documents, the import table.
import { spawnSync } from 'node:child_process';

const steps: readonly (readonly [string, ...string[]])[] = [
  ['tsc', '-p', 'tsconfig.json'],
  ['biome', 'check', '--error-on-warnings'],
  ['tsc', '-p', 'web/tsconfig.json'],
  ['tsc', '-p', 'test/browser/tsconfig.json'],
  ['knip'],
  ['node', 'scripts/generate.ts', '--check'],
  ['node', '--test', '--test-reporter=dot', 'test/architecture.test.ts'],
];
let failed = 0;
for (const [program, ...args] of steps) {
  const done = spawnSync(`node_modules/.bin/${program}`, args, { encoding: 'utf8' });
  if (done.status === 0) continue;
  failed++;
  process.stderr.write(`${program} ${args.join(' ')}\n${done.stdout}${done.stderr}\n`);
}
process.stdout.write(
  failed === 0 ? 'check: all good\n' : `check: ${failed} of ${steps.length} failed\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
