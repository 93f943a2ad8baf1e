import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { timeMs } from '../src/base/units.ts';
import { attemptId, taskId } from '../src/model/ids.ts';
import type { Event } from '../src/model/messages.ts';
import { openJournal } from '../src/store/io/journal.ts';
import { bench as engineBench } from '../test/builders/engine-bench.ts';
import { node, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { load, median, rounded } from './cpu-time.ts';

export const journalBench: Bench = {
  what: 'commits/s with and without group commit, beside fdatasync alone; events/s  [--commits N] [--rounds N]',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        commits: { type: 'string', default: '2000' },
        rounds: { type: 'string', default: '3' },
      },
    });
    const commits = Number(values.commits);
    const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    const rates = { alone: [], grouped: [], batched: [], fdatasync: [] } as {
      [K in 'alone' | 'grouped' | 'batched' | 'fdatasync']: number[];
    };
    const loadBefore = load();
    try {
      for (let round = 0; round < Number(values.rounds); round++) {
        rates.fdatasync.push(bareSync(join(dir, `bare-${round}`), commits));
        for (const kind of ['alone', 'grouped', 'batched'] as const) {
          rates[kind].push(await commit(join(dir, `${kind}-${round}.db`), commits, kind));
        }
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
    const rate = (kind: keyof typeof rates) => rounded(median(rates[kind]));
    return {
      commits,
      rounds: Number(values.rounds),
      load_before: loadBefore,
      load_after: load(),
      commits_per_s_alone: rate('alone'),
      commits_per_s_of_64_at_once: rate('grouped'),
      events_per_s_in_batches_of_500: rate('batched'),
      fdatasync_of_4_kib_per_s: rate('fdatasync'),
    };
  },
};

/** The three events of one attempt, over and over. */
function events(): readonly Event[] {
  const { engine, journal, submit, end } = engineBench(node('n'));
  submit(workload('job', step('s')));
  const attempt = attemptId(taskId('1' as never, 's' as never, 0), 1);
  const started: Event = { kind: 'task-started', at: timeMs(0), attempt, pid: 4711 };
  engine.apply(started);
  end(attempt);
  const placed = journal.find((event) => event.kind === 'task-placed')!;
  const ended = journal.find((event) => event.kind === 'task-ended')!;
  return [placed, started, ended];
}

/** @returns commits (for `batched`: events) per second. */
async function commit(
  file: string,
  commits: number,
  kind: 'alone' | 'grouped' | 'batched',
): Promise<number> {
  const three = events();
  using journal = openJournal({ file });
  const batch =
    kind === 'batched' ? Array.from({ length: 500 }, (_, i) => three[i % 3]!) : undefined;
  const started = performance.now();
  let done = 0;
  for (let i = 0; i < commits; ) {
    if (batch !== undefined) {
      await journal.append(batch);
      i += 100;
      done += batch.length;
    } else if (kind === 'alone') {
      await journal.append([three[i++ % 3]!]);
      done++;
    } else {
      await Promise.all(Array.from({ length: 64 }, () => journal.append([three[i++ % 3]!])));
      done += 64;
    }
  }
  return (done * 1000) / (performance.now() - started);
}

/** What the disk allows: one page written in place and made durable. */
function bareSync(path: string, commits: number): number {
  const file = openSync(path, 'w');
  try {
    const page = Buffer.alloc(4096, 1);
    writeSync(file, Buffer.alloc(4 * 1024 ** 2));
    fdatasyncSync(file);
    const started = performance.now();
    for (let i = 0; i < commits; i++) {
      writeSync(file, page, 0, page.length, (i % 1024) * 4096);
      fdatasyncSync(file);
    }
    return (commits * 1000) / (performance.now() - started);
  } finally {
    closeSync(file);
  }
}
