import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

// A clone and an installed package both have package.json two folders up.
const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };

const [first, ...more] = process.argv.slice(2);
if ((first === '--version' || first === '-V') && more.length === 0) {
  // Shells ask this often: nothing else is loaded for it.
  process.stdout.write(`berth ${version}\n`);
} else {
  enableCompileCache();
  const { runCommandLine } = await import('./run-command-line.ts');
  process.exit(await runCommandLine(process.argv.slice(2), version));
}
