// Emits dist/: JavaScript and declarations from src/, the launcher, and the web page.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

function run(program: string, ...args: string[]): void {
  const done = spawnSync(`node_modules/.bin/${program}`, args, { stdio: ['ignore', 2, 2] });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

rmSync('dist', { recursive: true, force: true });
run('tsc', '-p', 'tsconfig.build.json');
for (const file of globSync('src/**/*.{pl,py,json,sql}')) {
  const target = join('dist', file.slice('src/'.length));
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(file, target);
}
const main = 'dist/app/main.js';
const text = readFileSync(main, 'utf8');
if (!text.startsWith('#!')) writeFileSync(main, `#!/usr/bin/env node\n${text}`);
chmodSync(main, 0o755);
if (existsSync('web/vite.config.ts')) run('vite', 'build', 'web', '--logLevel', 'warn');
