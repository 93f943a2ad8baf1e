import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { timeMs } from '../src/base/units.ts';
import { openHistory } from '../src/store/io/history.ts';
import type { Reading } from '../src/telemetry/metric.ts';
import type { Bench } from './bench.ts';
import { cpuOf, load, median, rounded } from './cpu-time.ts';

const START = 1_800_057_600_000;
const HOUR_S = 3_600;

export const historyBench: Bench = {
  what: 'writing a second of metrics, beside a row each; a query over 24 h  [--tasks N] [--minutes N] [--series N] [--hours N]',
  run(args) {
    const number = (text: string) => ({ type: 'string' as const, default: text });
    const { values } = parseArgs({
      args: [...args],
      options: {
        tasks: number('200'),
        minutes: number('62'),
        series: number('500'),
        hours: number('24'),
      },
    });
    const dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    try {
      return {
        load_before: load(),
        writing: writing(join(dir, 'w.db'), Number(values.tasks), Number(values.minutes)),
        row_each_second: rowEach(join(dir, 'r.db'), Number(values.tasks)),
        reading: reading(join(dir, 'q.db'), Number(values.series), Number(values.hours)),
        load_after: load(),
      };
    } finally {
      rmSync(dir, { recursive: true });
    }
  },
};

/** What a sampler says each second: some of it noise, some counted in pages, some that hardly changes. */
function measured(host: number, tasks: number): (second: number) => readonly Reading[] {
  const random = new Prng(7);
  const names = Array.from({ length: 10 }, (_, i) => `berth_task_metric_${i}`);
  const labelSets = Array.from({ length: tasks }, (_, i) => ({
    tenant: `team-${i % 8}`,
    workload: `${i}`,
    step: 'train',
    attempt: `${i}.train.0.1`,
  }));
  const one = (i: number, second: number): number => {
    if (i % 3 === 0) return random.next() / 2 ** 32;
    if (i % 3 === 1) return random.between(100, 200) * 4096;
    return Math.floor(second / 300) * 10 + i;
  };
  return (second) => [
    ...Array.from({ length: host }, (_, i) => ({
      name: `berth_node_metric_${i % 30}`,
      labels: { cpu: `${Math.floor(i / 30)}` },
      value: one(i, second),
    })),
    // A sampler makes its objects anew each time.
    ...labelSets.flatMap((labels, t) =>
      names.map((name, i) => ({ name, labels: { ...labels }, value: one(t + i, second) })),
    ),
  ];
}

function writing(file: string, tasks: number, minutes: number) {
  const readings = measured(300, tasks);
  using history = openHistory({ file, onProblem: fail });
  const holds: number[] = [];
  let cpu = 0;
  for (let second = 0; second < minutes * 60; second++) {
    const now = readings(second);
    const began = performance.now();
    cpu += cpuOf(() => history.record(timeMs(START + second * 1000), now));
    holds.push(performance.now() - began);
  }
  holds.sort((a, b) => a - b);
  const last = START + minutes * 60_000;
  const query = { from: timeMs(last - HOUR_S * 1000), to: timeMs(last), pointsMax: 240 };
  return {
    series: 300 + tasks * 10,
    minutes,
    cpu_percent_of_a_core: rounded((cpu / (minutes * 60_000)) * 100),
    held_ms_median: rounded(median(holds)),
    held_ms_p99: rounded(holds[Math.floor(holds.length * 0.99)]!),
    held_ms_max: rounded(holds.at(-1)!),
    file_mib: mib(file),
    bytes_a_sample: rounded(statSync(file).size / (minutes * 60 * (300 + tasks * 10))),
    query_hour_ms_of_200_series: timed(() =>
      history.query({ ...query, name: 'berth_task_metric_1' }),
    ),
    restart_ms: rounded(restart(history, file)),
  };
}

function restart(history: { close(): void }, file: string): number {
  history.close();
  const began = performance.now();
  openHistory({ file, onProblem: fail }).close();
  return performance.now() - began;
}

/** The obvious way, for a minute: a row for each second of each series, ten seconds in a transaction. */
function rowEach(file: string, tasks: number) {
  const count = 300 + tasks * 10;
  using db = new DatabaseSync(file);
  db.exec(`pragma journal_mode = wal; pragma synchronous = normal;
    create table second (series integer, at integer, value real, primary key (series, at)) strict, without rowid`);
  const insert = db.prepare('insert into second values (?, ?, ?)');
  const random = new Prng(7);
  const holds: number[] = [];
  let cpu = 0;
  for (let batch = 0; batch < 12; batch++) {
    const began = performance.now();
    cpu += cpuOf(() => {
      db.exec('begin');
      for (let s = 0; s < 10; s++) {
        for (let i = 0; i < count; i++)
          insert.run(i, START + (batch * 10 + s) * 1000, random.next() / 2 ** 32);
      }
      db.exec('commit');
    });
    holds.push(performance.now() - began);
  }
  db.exec('pragma wal_checkpoint(truncate)');
  return {
    cpu_percent_of_a_core: rounded((cpu / 120_000) * 100),
    held_ms_max: rounded(Math.max(...holds)),
    bytes_a_sample: rounded(statSync(file).size / (120 * count)),
  };
}

function reading(file: string, series: number, hours: number) {
  const readings = measured(series, 0);
  using history = openHistory({ file, onProblem: fail });
  for (let second = 0; second < hours * HOUR_S; second++) {
    history.record(timeMs(START + second * 1000), readings(second));
  }
  const to = timeMs(START + hours * HOUR_S * 1000);
  const from = (back: number) => timeMs(to - back * 1000);
  const ask = (name: string, back: number, labels?: Record<string, string>) =>
    timed(() =>
      history.query({ name, from: from(back), to, pointsMax: 241, ...(labels && { labels }) }),
    );
  return {
    series,
    hours,
    file_mib: mib(file),
    day_of_one_series_ms: ask('berth_node_metric_0', hours * HOUR_S, { cpu: '0' }),
    day_of_a_name_ms: ask('berth_node_metric_0', hours * HOUR_S),
    series_of_a_name: Math.ceil(series / 30),
    hour_of_a_name_ms: ask('berth_node_metric_0', HOUR_S),
    hours_of_seconds_of_a_name_ms: ask('berth_node_metric_0', 3.9 * HOUR_S),
  };
}

/** Median of some, the first left out. */
function timed(run: () => unknown): number {
  const times = Array.from({ length: 8 }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return rounded(median(times.slice(1)));
}

const mib = (file: string): number => rounded(statSync(file).size / 2 ** 20);

function fail(problem: unknown): never {
  throw problem;
}
