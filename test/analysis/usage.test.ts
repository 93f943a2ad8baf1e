import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adviser } from '../../src/analysis/suggestions.ts';
import { UsageLedger, type UsageRecord } from '../../src/analysis/usage-ledger.ts';
import { UsageReport } from '../../src/analysis/usage-report.ts';
import { usageReport } from '../../src/api/views/money.ts';
import { timeMs } from '../../src/base/units.ts';
import { csvOf } from '../../src/cli/commands/usage.ts';
import type { AttemptId, TenantId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { dollars, HOUR, money, paidSite, rates } from '../builders/money.ts';
import type { Site } from '../builders/site.ts';
import { GIB } from '../builders/workload.ts';

const begin = Date.parse('2026-01-01T08:00:00Z');

function records(journal: readonly Event[], from = begin, to = begin + 24 * HOUR): UsageRecord[] {
  const ledger = new UsageLedger({ from: timeMs(from), to: timeMs(to) }, (id) =>
    journal.filter((event) =>
      'attempt' in event
        ? event.attempt.startsWith(`${id}.`)
        : 'workload' in event && event.workload === id,
    ),
  );
  const read = journal.filter(({ at }) => at >= from).map((event) => ledger.read(event));
  return [...read, ...ledger.rest()].filter((record) => record !== undefined);
}

function report(found: readonly UsageRecord[], ...keys: ('user' | 'queue' | 'pipeline')[]) {
  const made = new UsageReport(keys);
  for (const record of found) made.add(record);
  return made;
}

/** Ada runs for an hour, Ben fails after half of one, and Eve runs on. */
function scene(): Site {
  const s = paidSite(money());
  s.submit({ tenant: 'ada', cpu: 2, gib: 4, runMs: 2 * HOUR });
  s.submit({ tenant: 'ben', cpu: 4, runMs: HOUR });
  s.pass();
  s.now += HOUR / 2;
  s.end('2.s.0.1' as AttemptId, 'failed');
  s.now += HOUR / 2;
  s.end('1.s.0.1' as AttemptId);
  s.submit({ tenant: 'eve', cpu: 1, queue: 'other' });
  s.pass();
  return s;
}

test('what was held, charged and failed is added up by user', () => {
  const s = scene();
  const made = report(records(s.journal, begin, begin + 3 * HOUR), 'user');
  const rows = made
    .rows()
    .map(({ group, sums }) => [
      ...group,
      sums.cpuMilliMs / 1_000 / HOUR,
      sums.charged,
      sums.attempts,
      sums.failures,
    ]);
  assert.deepEqual(rows, [
    ['ada', 2, dollars(2), 1, 0],
    ['ben', 2, dollars(2), 1, 1],
    ['eve', 2, 0, 1, 0],
  ]);
  assert.equal(made.total.memoryMibMs / 1_024 / HOUR, 4);
});

test('of an attempt that began before the window, what lies in it counts', () => {
  const s = scene();
  const [ada] = report(records(s.journal, begin + HOUR / 4, begin + 2 * HOUR), 'user')
    .rows()
    .filter(({ group }) => group[0] === 'ada');
  assert.equal(ada?.sums.cpuMilliMs, 2_000 * HOUR * 0.75);
  assert.equal(ada?.sums.attempts, 0, 'it did not begin in the window');
});

test('reports add up: any window cut in two is the two parts', () => {
  const s = scene();
  const cut = begin + 40 * 60_000;
  const held = (from: number, to: number) => report(records(s.journal, from, to)).total.cpuMilliMs;
  assert.equal(held(begin, cut) + held(cut, begin + 3 * HOUR), held(begin, begin + 3 * HOUR));
});

test('money that was spent on a model is told by model', () => {
  const s = scene();
  const spending = {
    tenant: 'ada' as TenantId,
    queue: 'default' as never,
    what: 'model m',
    tokens: 10,
    calls: 1,
  };
  const { events } = s.engine.decide({
    kind: 'report-spend',
    at: s.at,
    workload: '1' as never,
    spending: { ...spending, amount: dollars(3) },
  });
  const made = new UsageReport(['model', 'pipeline']);
  for (const record of records([...s.journal, ...events])) made.add(record);
  const row = made.rows().find(({ group }) => group[0] === 'm');
  assert.deepEqual([row?.group[1], row?.sums.charged, row?.sums.tokens], ['w', dollars(3), 10]);
});

test('a field of the CSV is neither cut in two nor taken for a formula', () => {
  const made = new UsageReport(['pipeline']);
  const [record] = records(scene().journal);
  made.add({ ...record!, pipeline: '=1+"2",3' });
  const [, line] = csvOf(usageReport({ from: 0, to: 1, complete: true }, ['pipeline'], made));
  assert.ok(line?.startsWith('"\'=1+""2"",3",2'), line);
});

const context = { windowMs: 24 * HOUR, rates: { ...rates, memoryHour: dollars(0.01) }, models: [] };

function adviceOn(changes: Partial<UsageRecord>[], more: Partial<typeof context> = {}) {
  const [base] = records(scene().journal);
  const adviser = new Adviser(() => 12);
  for (const change of changes) adviser.add({ ...base!, ...change });
  return adviser.suggestions({ ...context, ...more });
}

const ended = (usage: object, cause = 'succeeded') => ({ cause, usage, enforced: {} }) as never;
const placement = (cpu: number, memory: number, gpu = 0) =>
  ({ node: 'n', held: { cpu, memory, gpu, custom: [] }, gpus: [], memoryLimit: memory }) as never;

test('memory that was never used is a saving, by the formula that is shown', () => {
  const one = {
    heldMs: HOUR,
    placement: placement(100, 10 * GIB),
    end: ended({ memoryPeak: GIB }, 'failed'),
  };
  const [found] = adviceOn([one, one, one, one]);
  assert.equal(found?.kind, 'memory');
  const surplus = 10 - 1229 / 1024;
  assert.equal(found?.monthlySaving, Math.floor(surplus * 4 * dollars(0.01) * 30));
  assert.match(found?.formula ?? '', /^8\.8 GiB × 4 h × \$0\.01\/GiB-h × 30 d \/ 1 d$/);
});

test('a saving whose price is not known is not known', () => {
  const one = {
    heldMs: HOUR,
    placement: placement(100, 10 * GIB),
    end: ended({ memoryPeak: GIB }, 'failed'),
  };
  const { memoryHour: _, ...unpriced } = context.rates;
  const [found] = adviceOn([one, one, one], { rates: unpriced as never });
  assert.equal(found?.monthlySaving, undefined);
});

test('the same command again and again may be cached; the tasks of an array are not the same', () => {
  const one = { heldMs: HOUR, placement: placement(100, GIB), end: ended({}), charged: dollars(1) };
  const kinds = (changes: Partial<UsageRecord>[]) => adviceOn(changes).map(({ kind }) => kind);
  assert.deepEqual(kinds([one, one, one, one]), ['cache']);
  assert.deepEqual(kinds([0, 1, 2, 3].map((index) => ({ ...one, index }))), []);
  assert.equal(adviceOn([one, one, one, one])[0]?.monthlySaving, dollars(3) * 30);
});

test('GPUs held by who does nothing are idle', () => {
  const one = {
    heldMs: 10 * HOUR,
    placement: placement(1000, GIB, 1000),
    end: ended({ cpuMs: 1_000 }, 'failed'),
    charged: dollars(20),
  };
  const found = adviceOn([one, one, one]).find(({ kind }) => kind === 'idle-gpu');
  assert.equal(found?.monthlySaving, dollars(60) * 30);
});

test('a model of the same provider that costs less is worth a try', () => {
  const price = (model: string, cost: number, provider = 'x') =>
    ({
      model,
      provider,
      validFrom: 0,
      input: dollars(cost),
      output: dollars(cost),
      source: '',
    }) as never;
  const spent = {
    model: 'large',
    step: undefined,
    placement: undefined,
    charged: dollars(100),
    tokens: 1_000,
  };
  const models = [price('large', 10), price('small', 1), price('tiny', 0.1, 'y')] as never;
  const [found] = adviceOn([spent], { models });
  assert.equal(found?.kind, 'cheaper-model');
  assert.match(found?.description ?? '', /small in place of large/);
  assert.equal(found?.monthlySaving, dollars(90) * 30);
});
