import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dollars } from '../builders/money.ts';
import { parse, reported } from '../builders/site-text.ts';

function budgets(text: string) {
  const parsed = parse(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.site.budgets;
}

test('the example says whose money it is, how much, and what happens at the limit', () => {
  const text = readFileSync(join(import.meta.dirname, '../../examples/budgets.yaml'), 'utf8');
  const read = budgets(text).map(({ name, scope, limit, soft, window, atLimit }) => [
    name,
    scope.kind,
    limit,
    soft ?? null,
    window.kind === 'periods' ? `${window.every} ${window.timeZone}` : window.kind,
    atLimit,
  ]);
  assert.deepEqual(read, [
    ['site', 'site', dollars(500), dollars(400), 'month Europe/Berlin', 'finish-step'],
    ['burn', 'site', dollars(50), null, 'rate', 'queue'],
    ['each user, per day', 'each-tenant', dollars(10), dollars(8), 'day Europe/Berlin', 'queue'],
    [
      'each user, per month',
      'each-tenant',
      dollars(200),
      dollars(160),
      'month Europe/Berlin',
      'queue',
    ],
    ['user ada, per month', 'tenant', dollars(400), null, 'month Europe/Berlin', 'refuse'],
    ['team research, per month', 'team', dollars(600), null, 'month Europe/Berlin', 'stop'],
  ]);
});

test('who has a budget of his own is not counted by that of each', () => {
  const [each] = budgets(
    'multi_tenancy: {users: {default: {cost_budget: {daily: 1}}, ada: {cost_budget: {daily: 2}}}}\n',
  );
  assert.deepEqual(each?.scope, { kind: 'each-tenant', except: ['ada'] });
});

const wrong: Record<string, [text: string, want: RegExp]> = {
  'no limit': [
    'budgets: [{name: a}]\n',
    /1:12 error: budgets\[0\]\.limit: the key `limit` is missing/,
  ],
  'a queue that is none': [
    'budgets: [{name: a, limit: 1, queue: nope}]\n',
    /no queue is called "nope"/,
  ],
  'a team that is none': [
    'budgets: [{name: a, limit: 1, team: nope}]\n',
    /no team is called "nope"/,
  ],
  'two of a name': [
    'budgets:\n  - {name: a, limit: 1}\n  - {name: a, limit: 2}\n',
    /3:12 error: budgets\[1\]\.name: the budget in line 2/,
  ],
  'of a tenant and of each': [
    'budgets: [{name: a, limit: 1, tenant: x, each: true}]\n',
    /`tenant` says whose money it is already/,
  ],
  'nothing limited': [
    'multi_tenancy: {users: {default: {cost_budget: {}}}}\n',
    /the budget limits nothing/,
  ],
  'a day above a month': [
    'multi_tenancy: {users: {default: {cost_budget: {daily: 9, monthly: 5}}}}\n',
    /is more than the budget of a month in line 1/,
  ],
  'a zone of a rate': [
    'budgets: [{name: a, limit: 1, per: hour, time_zone: UTC}]\n',
    /only days and months have a time zone/,
  ],
  'together with backfill': [
    'scheduling: {backfill: easy}\nbudgets: [{name: a, limit: 1}]\n',
    /budgets cannot be together with the backfill/,
  ],
  'no way to end': [
    'budgets: [{name: a, limit: 1, at_limit: explode}]\n',
    /"explode" cannot be used here/,
  ],
};
for (const [name, [text, want]] of Object.entries(wrong)) {
  test(`an error is located: ${name}`, () => {
    assert.ok(
      reported(text).some((line) => want.test(line)),
      reported(text).join('\n'),
    );
  });
}
