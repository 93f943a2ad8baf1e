import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { Bench } from './bench.ts';
import { cpuMs, load, median, rounded } from './cpu-time.ts';

interface Round {
  readonly seconds: number;
  readonly cpuMs: number;
  /** Of `cpuMs`, what the daemon itself took. */
  readonly daemonCpuMs?: number;
}

type Contender = (jobs: number, atOnce: number) => Round;

const contenders: Record<'berth' | 'xargs' | 'c_spawn' | 'node_spawn' | 'task_spooler', Contender> =
  {
    berth,
    xargs,
    c_spawn: cSpawn,
    node_spawn: nodeSpawn,
    task_spooler: taskSpooler,
  };
const ROUND_MS_MAX = 300_000;

export const launchBench: Bench = {
  what: 'N × /bin/true as an array beside xargs, spawn loops in C and Node, task-spooler  [--jobs N] [--rounds N] [--at-once 2,8]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        jobs: { type: 'string', default: '10000' },
        rounds: { type: 'string', default: '3' },
        'at-once': { type: 'string', default: '2' },
      },
    });
    const jobs = Number(values.jobs);
    const rounds = Number(values.rounds);
    const cases = values['at-once'].split(',').map(Number);
    const results = cases.map((atOnce) => compare(jobs, atOnce, rounds));
    // The first case stands at the top, too: that is the one the aims are about.
    return {
      ...results[0],
      ...Object.fromEntries(results.map((result, i) => [`at_once_${cases[i]}`, result])),
    };
  },
};

/** Rounds take turns, so that what else the machine does meets all of them. */
function compare(jobs: number, atOnce: number, rounds: number) {
  const loadBefore = load();
  const names = Object.keys(contenders) as (keyof typeof contenders)[];
  const seen = new Map<string, Round[]>(names.map((name) => [name, []]));
  const absent = new Map<string, string>();
  if (!isInstalled('tsp', '-V')) {
    absent.set('task_spooler', 'tsp is not installed: apt-get install task-spooler');
  }
  if (!isInstalled('cc', '--version')) absent.set('c_spawn', 'there is no C compiler: cc');
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      if (!absent.has(name)) seen.get(name)!.push(contenders[name](jobs, atOnce));
    }
  }
  const results = names.map((name) => [name, summary(seen.get(name)!, jobs, absent.get(name))]);
  return {
    jobs,
    rounds,
    load_before: loadBefore,
    load_after: load(),
    ...Object.fromEntries(results),
    ...ratios(seen, 'xargs'),
    ...ratios(seen, 'c_spawn'),
  };
}

/** How Berth stands to another, each round by itself: what else the machine does falls out in part. */
function ratios(seen: ReadonlyMap<string, readonly Round[]>, other: string) {
  const [own, others] = [seen.get('berth')!, seen.get(other)!];
  if (others.length === 0) return { [`ratio_to_${other}`]: null };
  const ratio = (of: (round: Round) => number): number =>
    rounded(median(own.map((round, i) => of(others[i]!) / of(round))));
  return {
    [`ratio_to_${other}`]: ratio(({ seconds }) => seconds),
    [`ratio_to_${other}_by_cpu`]: ratio(({ cpuMs }) => cpuMs),
  };
}

function summary(rounds: readonly Round[], jobs: number, absent: string | undefined) {
  if (rounds.length === 0) return { jobs_per_s: null, cpu_ms_per_job: null, reason: absent };
  const own = rounds.flatMap(({ daemonCpuMs }) => daemonCpuMs ?? []);
  return {
    jobs_per_s: rounded(median(rounds.map(({ seconds }) => jobs / seconds))),
    cpu_ms_per_job: rounded(median(rounds.map((round) => round.cpuMs / jobs))),
    ...(own.length === 0 ? {} : { daemon_cpu_ms_per_job: rounded(median(own) / jobs) }),
  };
}

const berthRound = z.object({
  status: z.literal('succeeded'),
  seconds: z.number(),
  daemon_cpu_ms: z.number(),
  children_cpu_ms: z.number(),
});
const spawnRound = z.object({ seconds: z.number(), cpu_ms: z.number() });

function berth(jobs: number, atOnce: number): Round {
  const round = berthRound.parse(ownProgram('launch-berth.ts', jobs, atOnce));
  const { seconds, daemon_cpu_ms: daemonCpuMs, children_cpu_ms: children } = round;
  return { seconds, cpuMs: daemonCpuMs + children, daemonCpuMs };
}

function nodeSpawn(jobs: number, atOnce: number): Round {
  const round = spawnRound.parse(ownProgram('launch-spawn.ts', jobs, atOnce));
  return { seconds: round.seconds, cpuMs: round.cpu_ms };
}

function ownProgram(file: string, jobs: number, atOnce: number): unknown {
  const program = join(import.meta.dirname, file);
  const node = ['--disable-warning=ExperimentalWarning', program, String(jobs), String(atOnce)];
  const output = execFileSync(process.execPath, node, {
    encoding: 'utf8',
    timeout: ROUND_MS_MAX,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output);
}

function xargs(jobs: number, atOnce: number): Round {
  return shell(`seq ${jobs} | xargs -n 1 -P ${atOnce} /bin/true >/dev/null`, {});
}

/** What the kernel can do at most: no shell, no log, no record. */
function cSpawn(jobs: number, atOnce: number): Round {
  const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  try {
    const program = join(dir, 'spawn-loop');
    execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'spawn-loop.c')]);
    return shell(`${program} ${jobs} ${atOnce}`, {});
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Its server leaves its client's process group, so that its time is read before it is ended. */
function taskSpooler(jobs: number, atOnce: number): Round {
  const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const env = { TS_SOCKET: join(dir, 'socket'), TS_SLOTS: String(atOnce), TMPDIR: dir };
  try {
    shell('tsp >/dev/null', env);
    const server = serverOf(env.TS_SOCKET);
    const before = cpuMs(server);
    const queue = `i=0; while [ $i -lt ${jobs} ]; do tsp -n /bin/true >/dev/null; i=$((i + 1)); done`;
    const wait = `until ! tsp -l | grep -q -E '^[0-9]+ +(running|queued)'; do sleep 0.02; done`;
    const round = shell(`${queue}; tsp -w; ${wait}`, env);
    const after = cpuMs(server);
    const cpu = after.own - before.own + after.children - before.children;
    return { seconds: round.seconds, cpuMs: round.cpuMs + cpu };
  } finally {
    shell('tsp -K', env);
    rmSync(dir, { recursive: true });
  }
}

function serverOf(socket: string): number {
  for (const line of execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n')) {
    const [, pid, program] = /^\s*(\d+)\s+(\S+)$/.exec(line) ?? [];
    if (program !== 'tsp') continue;
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    if (environment.includes(`TS_SOCKET=${socket}`)) return Number(pid);
  }
  throw new Error('the server of task-spooler is not there');
}

function isInstalled(program: string, question: string): boolean {
  return spawnSync(program, [question]).error === undefined;
}

function shell(script: string, env: Readonly<Record<string, string>>): Round {
  const before = cpuMs('self').children;
  const started = performance.now();
  const done = spawnSync('/bin/sh', ['-c', script], {
    env: { ...process.env, ...env },
    timeout: ROUND_MS_MAX,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.status !== 0) throw new Error(`${script}: ${done.status ?? done.signal}`);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, cpuMs: cpuMs('self').children - before };
}
