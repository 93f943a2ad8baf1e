import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { version } from './version.ts';

const [first, ...more] = process.argv.slice(2);
if ((first === '--version' || first === '-V') && more.length === 0) {
  // Shells ask this often: nothing else is loaded for it.
  process.stdout.write(`berth ${version}\n`);
} else {
  // Not the default below /tmp: somebody else could have made that, and what is in it is run.
  const said = process.env['XDG_CACHE_HOME'];
  const caches = said?.startsWith('/') ? said : join(homedir(), '.cache');
  enableCompileCache(join(caches, 'berth', 'compile'));
  const { runCommandLine } = await import('./run-command-line.ts');
  process.exit(await runCommandLine(process.argv.slice(2)));
}
