import type { DatabaseSync } from 'node:sqlite';
import { type Labels, seriesKey } from '../../telemetry/metric.ts';
import { type Block, emptyBlock, setPoint, summary } from '../history-block.ts';
import { blockAt, slotOf, tiers } from '../history-tiers.ts';
import type { Series } from '../series-book.ts';
import { HistoryTables } from './history-tables.ts';

/** Those of version 1 have two of the names; they are kept as `first_NAME`. */
export function createHistoryTables(db: DatabaseSync): void {
  for (const { table } of tiers) {
    const isThere = db.prepare('select 1 from sqlite_schema where name = ?').get(table);
    if (isThere) db.exec(`alter table ${table} rename to first_${table}`);
    db.exec(`create table ${table} (id integer primary key, data blob not null) strict`);
  }
  db.exec(
    `create table tail (
       id integer primary key autoincrement, tier integer not null, data blob not null
     ) strict;
     create table series (
       id integer primary key, name text not null, labels text not null,
       began integer not null, seen integer not null
     ) strict;`,
  );
}

/** What version 1 called its columns. */
const firstNames: Readonly<Record<string, readonly [name: string, labels?: Labels]>> = {
  cpu_ratio: ['berth_node_cpu_busy_ratio'],
  cpu_held_ratio: ['berth_node_cpu_held_ratio'],
  memory_used_bytes: ['berth_node_memory_used_bytes'],
  memory_held_bytes: ['berth_node_memory_held_bytes'],
  cpu_pressure_ratio: ['berth_node_pressure_waiting_ratio', { resource: 'cpu' }],
  memory_pressure_ratio: ['berth_node_pressure_waiting_ratio', { resource: 'memory' }],
  io_pressure_ratio: ['berth_node_pressure_waiting_ratio', { resource: 'io' }],
};

/** Version 1 had a row for each second and minute; hours are made from its minutes. */
export function migrateFirstHistory(db: DatabaseSync): void {
  const tables = new HistoryTables(db);
  const columns = db.prepare(
    'select name, min(at) as began, max(at) as seen from first_minute group by name order by name',
  );
  for (const [i, row] of columns.all().entries()) {
    const column = String(row['name']);
    const [name, labels = {}] = firstNames[column] ?? [column];
    const began = Number(row['began']);
    const seen = Number(row['seen']) + tiers[1]!.stepMs - 1;
    const key = seriesKey(name, labels);
    const series = { id: i + 1, key, name, labels, began, seen, heard: seen, isStored: true };
    const hours: Point[] = [];
    copy(0, firstPoints(db, 'second', column), { tables, series });
    copy(1, firstPoints(db, 'minute', column), { tables, series }, hours);
    copy(2, hours, { tables, series });
    tables.storeSeries(series);
  }
  db.exec('drop table first_second; drop table first_minute');
}

interface Point {
  readonly at: number;
  readonly point: Block;
}

function* firstPoints(db: DatabaseSync, table: string, column: string): Iterable<Point> {
  const rows = db
    .prepare(`select * from first_${table} where name = ? order by at`)
    .iterate(column);
  for (const { at, count, min, max, mean, last } of rows) {
    const [n, average] = [Number(count), Number(mean)];
    const point = Float64Array.of(n, Number(min), Number(max), average * n, Number(last));
    yield { at: Number(at), point };
  }
}

/** Writes points, oldest first, as blocks; what each block sums up to goes to `above`. */
function copy(
  tier: number,
  points: Iterable<Point>,
  { tables, series }: { readonly tables: HistoryTables; readonly series: Series },
  above: Point[] = [],
): void {
  let at = Number.NaN;
  let block = emptyBlock(0);
  const end = (): void => {
    if (block.length === 0) return;
    tables.writeBlock(tier, at, { series, block });
    above.push({ at, point: summary(block) });
  };
  for (const { at: pointAt, point } of points) {
    if (blockAt(tier, pointAt) !== at) {
      end();
      at = blockAt(tier, pointAt);
      block = emptyBlock(tiers[tier]!.slots);
    }
    setPoint(block, slotOf(tier, pointAt), point);
  }
  end();
}
