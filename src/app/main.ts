import { enableCompileCache } from 'node:module';
import { version } from './version.ts';

const [first, ...more] = process.argv.slice(2);
if ((first === '--version' || first === '-V') && more.length === 0) {
  // Shells ask this often: nothing else is loaded for it.
  process.stdout.write(`berth ${version}\n`);
} else {
  enableCompileCache();
  const { runCommandLine } = await import('./run-command-line.ts');
  process.exit(await runCommandLine(process.argv.slice(2)));
}
