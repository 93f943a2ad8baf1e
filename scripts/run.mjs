// Works on any Node ≥ 20: installs what the lock file names, once, then goes on under that Node.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [verb, ...args] = process.argv.slice(2);

function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.berth-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('berth: installing dependencies (once)\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, NODE_ENV: 'development' },
  });
  if (npm.status !== 0) {
    process.stderr.write('berth: `npm ci` failed; see above. Is the npm registry reachable?\n');
    process.exit(npm.status ?? 1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

function node(script, ...rest) {
  const child = spawnSync(
    join(root, 'node_modules', '.bin', 'node'),
    ['--disable-warning=ExperimentalWarning', join(root, script), ...rest],
    { cwd: process.cwd(), stdio: 'inherit' },
  );
  return child.status ?? (child.signal === 'SIGINT' ? 130 : 1);
}

install();
switch (verb) {
  case 'setup':
    process.exit(0);
    break;
  case 'start':
    process.exit(node('src/app/main.ts', 'run', join(root, 'examples/quickstart.yaml'), ...args));
    break;
  case 'test':
    process.exit(node('scripts/test.ts', ...args));
    break;
  default:
    process.stderr.write(`berth: no such script: ${verb}\n`);
    process.exit(64);
}
