import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { berth } from '../test/builders/berth-cli.ts';
import type { Bench } from './bench.ts';
import { cpuMs, load, median, rounded } from './cpu-time.ts';

/** What one run of the burner took: CPU is what the kernel's scheduler counted for it. */
interface Burn {
  readonly cpuMs: number;
  readonly wallMs: number;
}

interface Pair {
  readonly bare: Burn;
  readonly held: Burn;
  /** CPU of daemon and launcher, with all shims, while the burner ran. */
  readonly ownMs: number;
}

const TURN_MS_MAX = 300_000;
const burn = z.object({ cpuMs: z.number(), wallMs: z.number() });
const status = z.object({ pid: z.number(), launcher_pid: z.number() });

/** The same work each time; schedstat has nanoseconds on a CPU (Documentation/scheduler/sched-stats). */
const burner = (turns: number): string => `
use Time::HiRes;
my ($began, $x) = (Time::HiRes::time(), 1);
for (my $i = 0; $i < ${turns}; $i++) { $x = ($x * 1103515245 + 12345) & 0x7fffffff }
my $wall = (Time::HiRes::time() - $began) * 1000;
open my $f, '<', '/proc/self/schedstat' or die; my ($ns) = split ' ', <$f>;
printf qq({"cpuMs":%.3f,"wallMs":%.3f}\n), $ns / 1e6, $wall;`;

export const overheadBench: Bench = {
  what: 'a CPU-bound task with limits beside the same work bare, in turns  [--rounds N] [--turns N]',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: '10' },
        turns: { type: 'string', default: '60000000' },
      },
    });
    const rounds = Number(values.rounds);
    const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    const state = join(dir, 'state');
    const program = burner(Number(values.turns));
    const loadBefore = load();
    try {
      await berth(state, 'up', '-d', '--port', '0');
      const pairs: Pair[] = [];
      for (let round = 0; round < rounds; round++) {
        // Each is first as often as the other.
        const before = round % 2 === 0 ? bare(program) : undefined;
        const { took, ownMs } = await held(state, dir, program);
        pairs.push({ bare: before ?? bare(program), held: took, ownMs });
      }
      const share = (of: (pair: Pair) => number): number => rounded(median(pairs.map(of)) * 100);
      return {
        rounds,
        load_before: loadBefore,
        load_after: load(),
        task_cpu_ms: rounded(median(pairs.map(({ bare: { cpuMs: ms } }) => ms))),
        task_cpu_percent: share((pair) => pair.held.cpuMs / pair.bare.cpuMs - 1),
        task_wall_percent: share((pair) => pair.held.wallMs / pair.bare.wallMs - 1),
        // What the daemon does anyway is in it: it samples the host each second.
        own_cpu_percent: share((pair) => pair.ownMs / pair.held.cpuMs),
        own_cpu_percent_of_wall: share((pair) => pair.ownMs / pair.held.wallMs),
      };
    } finally {
      await berth(state, 'down');
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

function bare(program: string): Burn {
  const done = spawnSync('perl', ['-e', program], { encoding: 'utf8', timeout: TURN_MS_MAX });
  return burn.parse(JSON.parse(done.stdout));
}

async function held(state: string, dir: string, program: string) {
  const file = join(dir, 'burner.json');
  const document = {
    name: 'burner',
    run: ['perl', '-e', program],
    resources: { cpu: { request: 1, limit: 1 }, memory: '64Mi' },
  };
  writeFileSync(file, JSON.stringify(document));
  const { pid, launcher_pid: launcher } = status.parse(await berth(state, 'status'));
  const own = (): number => cpuMs(pid).own + cpuMs(launcher).own;
  const { id } = await berth(state, 'submit', file);
  const before = own();
  const { status: outcome } = await berth(state, 'wait', String(id));
  const ownMs = own() - before;
  if (outcome !== 'succeeded') throw new Error(`the burner ended as ${outcome}`);
  const log = join(state, 'attempts', `${id}.burner.0.1`, 'stdout.log');
  return { took: burn.parse(JSON.parse(readFileSync(log, 'utf8'))), ownMs };
}
