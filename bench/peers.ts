import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { load, median, rounded } from './cpu-time.ts';

/** Seconds for so many tasks, or why it cannot be said here. */
type Took = { readonly seconds: number } | { readonly absent: string };

interface Run {
  readonly jobs: number;
  readonly atOnce: number;
  /** A folder of its own, gone afterwards. */
  readonly dir: string;
  /** A folder with a configuration of Slurm whose daemons run, and one with bullmq and pg-boss installed. */
  readonly slurm: string | undefined;
  readonly queues: string | undefined;
}

const RUN_MS_MAX = 600_000;
const peers: Readonly<Record<string, (run: Run) => Took>> = {
  berth,
  xargs: ({ jobs, atOnce }) => shell(`seq ${jobs} | xargs -n 1 -P ${atOnce} /bin/true`),
  gnu_parallel: (run) => parallel(run, ''),
  gnu_parallel_joblog: (run) => parallel(run, `--joblog ${join(run.dir, 'joblog')}`),
  task_spooler: taskSpooler,
  slurm_array: slurmArray,
  bullmq: (run) => queue(run, 'bullmq'),
  pg_boss: (run) => queue(run, 'pg-boss'),
};

export const peersBench: Bench = {
  what: 'N × /bin/true by what else runs queues, where it is installed  [--jobs N] [--rounds N] [--at-once N] [--slurm DIR] [--queues DIR]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        jobs: { type: 'string', default: '1000' },
        rounds: { type: 'string', default: '3' },
        'at-once': { type: 'string', default: '2' },
        slurm: { type: 'string' },
        queues: { type: 'string' },
      },
    });
    const jobs = Number(values.jobs);
    const loadBefore = load();
    const seen = new Map<string, Took[]>(Object.keys(peers).map((name) => [name, []]));
    // In turns, so that what else the machine does meets all of them.
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [name, peer] of Object.entries(peers)) {
        const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
        const { slurm, queues } = values;
        const run = { jobs, atOnce: Number(values['at-once']), dir, slurm, queues };
        try {
          seen.get(name)!.push(peer(run));
        } finally {
          rmSync(dir, { recursive: true, force: true });
        }
      }
    }
    return {
      jobs,
      at_once: Number(values['at-once']),
      rounds: Number(values.rounds),
      load_before: loadBefore,
      load_after: load(),
      jobs_per_s: Object.fromEntries([...seen].map(([name, took]) => [name, speed(took, jobs)])),
    };
  },
};

function speed(rounds: readonly Took[], jobs: number): number | string {
  const seconds: number[] = [];
  for (const took of rounds) {
    if ('absent' in took) return `absent: ${took.absent}`;
    seconds.push(took.seconds);
  }
  return rounded(jobs / median(seconds));
}

function berth({ jobs, atOnce }: Run): Took {
  const program = join(import.meta.dirname, 'launch-berth.ts');
  const node = ['--disable-warning=ExperimentalWarning', program, `${jobs}`, `${atOnce}`];
  const output = execFileSync(process.execPath, node, { encoding: 'utf8', timeout: RUN_MS_MAX });
  const { seconds } = JSON.parse(output);
  return { seconds: Number(seconds) };
}

function parallel({ jobs, atOnce }: Run, options: string): Took {
  if (!has('parallel')) return { absent: 'apt-get install parallel' };
  return shell(`seq ${jobs} | parallel --will-cite -j${atOnce} ${options} -n1 /bin/true`);
}

function taskSpooler({ jobs, atOnce, dir }: Run): Took {
  if (!has('tsp')) return { absent: 'apt-get install task-spooler' };
  const env = { TS_SOCKET: join(dir, 'socket'), TS_SLOTS: `${atOnce}`, TMPDIR: dir };
  const all = `i=0; while [ $i -lt ${jobs} ]; do tsp -n /bin/true >/dev/null; i=$((i + 1)); done`;
  const end = `until ! tsp -l | grep -q -E '^[0-9]+ +(running|queued)'; do sleep 0.02; done`;
  try {
    return shell(`${all}; tsp -w; ${end}`, env);
  } finally {
    shell('tsp -K', env);
  }
}

/** Against daemons that run already: see bench/README.md. */
function slurmArray({ jobs, atOnce, dir, slurm }: Run): Took {
  if (!has('sbatch')) return { absent: 'apt-get install slurm-wlm' };
  if (slurm === undefined) return { absent: 'no --slurm DIR with etc/slurm.conf was given' };
  const env = { SLURM_CONF: join(slurm, 'etc', 'slurm.conf') };
  const job = join(dir, 'true.sh');
  const write = `printf '#!/bin/sh\\n#SBATCH -o /dev/null\\nexec /bin/true\\n' > ${job}`;
  const submit = `sbatch -Q -n1 --mem=1 --array=1-${jobs}%${atOnce} ${job} >/dev/null`;
  const end = `while [ -n "$(squeue -h -r -t PD,R,CG,CF -o %i)" ]; do sleep .1; done`;
  return shell(`${write}; ${submit}; ${end}`, env);
}

/** BullMQ and pg-boss from a folder where both are installed, beside their servers: see bench/README.md. */
function queue({ jobs, atOnce, queues }: Run, name: string): Took {
  const program = queues === undefined ? undefined : join(queues, `${name}.mjs`);
  if (program === undefined || !existsSync(program)) {
    return { absent: `no --queues DIR with ${name}.mjs was given` };
  }
  const done = spawnSync(process.execPath, [program, `${jobs}`, `${atOnce}`], {
    encoding: 'utf8',
    timeout: RUN_MS_MAX,
  });
  const seconds = Number(/^seconds ([\d.]+)$/m.exec(done.stdout)?.[1]);
  return Number.isFinite(seconds)
    ? { seconds }
    : { absent: `${program} did not run: ${done.stderr.trim().split('\n').at(-1) ?? ''}` };
}

const has = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

function shell(script: string, env: Readonly<Record<string, string>> = {}): Took {
  const started = performance.now();
  const done = spawnSync('/bin/sh', ['-c', script], {
    env: { ...process.env, ...env },
    timeout: RUN_MS_MAX,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.status !== 0) throw new Error(`${script}: ${done.status ?? done.signal}`);
  return { seconds: (performance.now() - started) / 1000 };
}
