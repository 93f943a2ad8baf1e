import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { berth } from '../test/builders/berth-cli.ts';
import { kill, spawnDaemon, up } from '../test/builders/daemon-process.ts';
import type { Bench } from './bench.ts';
import { cpuMs, load, median, rounded } from './cpu-time.ts';

const WAIT_MS_MAX = 300_000;
const listed = z.object({
  workloads: z.array(z.object({ id: z.string(), tasks: z.object({ running: z.number() }) })),
});

export const adoptBench: Bench = {
  what: 'kill -9 of the daemon beside N running tasks: how long until they are adopted  [--tasks N] [--rounds N]',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        tasks: { type: 'string', default: '1000' },
        rounds: { type: 'string', default: '3' },
      },
    });
    const tasks = Number(values.tasks);
    const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    const state = join(dir, 'state');
    const loadBefore = load();
    let daemon = await up(state);
    try {
      const file = join(dir, 'sleepers.json');
      const resources = { cpu: { request: 0.001, limit: 1 }, memory: '2Mi' };
      writeFileSync(
        file,
        JSON.stringify({ name: 'sleepers', run: ['/bin/sleep', '3600'], count: tasks, resources }),
      );
      const { id } = await berth(state, 'submit', file);
      await allRun(state, String(id), tasks);
      const seen: { adoptMs: number; upMs: number; cpu: number }[] = [];
      for (let round = 0; round < Number(values.rounds); round++) {
        await kill(daemon);
        const began = performance.now();
        daemon = spawnDaemon(state);
        const adoptMs = await adopted(state, daemon.pid!, tasks);
        const upMs = performance.now() - began;
        const cpu = cpuMs(daemon.pid!).own;
        await allRun(state, String(id), tasks);
        seen.push({ adoptMs, upMs, cpu });
      }
      await berth(state, 'cancel', String(id));
      await berth(state, 'wait', String(id));
      return {
        tasks,
        rounds: seen.length,
        load_before: loadBefore,
        load_after: load(),
        adopt_ms: rounded(median(seen.map(({ adoptMs }) => adoptMs))),
        // With the start of Node, its modules and the journal.
        until_it_answers_ms: rounded(median(seen.map(({ upMs }) => upMs))),
        daemon_cpu_ms: rounded(median(seen.map(({ cpu }) => cpu))),
      };
    } finally {
      await berth(state, 'down').catch(() => {});
      await kill(daemon);
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

/** Milliseconds from the replayed journal to the last adopted attempt, once the daemon answers. */
async function adopted(state: string, pid: number, tasks: number): Promise<number> {
  const until = performance.now() + WAIT_MS_MAX;
  const log = join(state, 'logs', 'daemon.log');
  while (!readFileSync(log, 'utf8').includes(`up: pid ${pid},`)) {
    if (performance.now() > until) throw new Error('the daemon does not come up');
    await delay(5);
  }
  const lines = readFileSync(log, 'utf8').matchAll(/(\d+) running attempts known (\d+) ms after/g);
  const [, known, ms] = [...lines].at(-1)!;
  if (Number(known) !== tasks) throw new Error(`${known} of ${tasks} were adopted`);
  return Number(ms);
}

async function allRun(state: string, id: string, tasks: number): Promise<void> {
  const until = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const { workloads } = listed.parse(await berth(state, 'ps'));
    if (workloads.find((one) => one.id === id)?.tasks.running === tasks) return;
    if (performance.now() > until) throw new Error('not all tasks run');
    await delay(500);
  }
}
