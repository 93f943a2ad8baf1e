import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';

const script = new URL('../test/browser/measure-frames.ts', import.meta.url).pathname;

export const framesBench: Bench = {
  what: 'frames of the dashboard while 1,000 tasks a second change  [--seconds N] [--scene TEXT]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string', default: '8' },
        scene: { type: 'string', default: '' },
      },
    });
    const done = spawnSync(process.execPath, [script, values.seconds, values.scene], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`no frames were measured: exit code ${done.status}`);
    return JSON.parse(done.stdout) as unknown;
  },
};
