import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { berth, berthProgram } from '../test/builders/berth-cli.ts';
import type { Bench } from './bench.ts';
import { cpuMs, load, median, rounded } from './cpu-time.ts';

export const cliBench: Bench = {
  what: 'start-up of commands, and what an idle daemon takes  [--rounds N] [--idle-s N] [--program "node dist/app/main.js"]',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: '15' },
        'idle-s': { type: 'string', default: '30' },
        program: { type: 'string' },
      },
    });
    const program = values.program?.split(' ') ?? berthProgram;
    const rounds = Number(values.rounds);
    const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    const state = join(dir, 'state');
    const loadBefore = load();
    try {
      once(program, ['up', '-d', '--port', '0', '--state', state]);
      const { pid } = await berth(state, 'status');
      const commands = {
        version: ['--version'],
        ps: ['ps', '--state', state],
        bare_node: undefined,
      };
      const took: Record<string, number[]> = { version: [], ps: [], bare_node: [] };
      // The first of each fills the compile cache.
      for (let round = 0; round <= rounds; round++) {
        for (const [name, command] of Object.entries(commands)) {
          const ms =
            command === undefined ? once([process.execPath], ['-e', '0']) : once(program, command);
          if (round > 0) took[name]!.push(ms);
        }
      }
      const idleMs = Number(values['idle-s']) * 1000;
      await delay(5_000);
      const before = cpuMs(pid).own;
      await delay(idleMs);
      const idle = cpuMs(pid).own - before;
      return {
        load_before: loadBefore,
        load_after: load(),
        version_ms: rounded(median(took['version']!)),
        ps_ms: rounded(median(took['ps']!)),
        bare_node_ms: rounded(median(took['bare_node']!)),
        idle_core_share: rounded(idle / idleMs),
        idle_rss_bytes: residentBytes(pid),
      };
    } finally {
      once(program, ['down', '--state', state]);
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

/** Runs a command to its end; milliseconds. */
function once(program: readonly string[], args: readonly string[]): number {
  const [file, ...first] = program;
  const started = performance.now();
  const done = spawnSync(file!, [...first, ...args], { encoding: 'utf8', timeout: 60_000 });
  if (done.status !== 0) throw new Error(`${args.join(' ')}: ${done.status}\n${done.stderr}`);
  return performance.now() - started;
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
