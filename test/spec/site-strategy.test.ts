import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { strategies } from '../../src/scheduling/strategies.ts';
import { reported, schedulingOf } from '../builders/site-text.ts';

describe('the strategy of a site', () => {
  for (const { name, order, scorers } of strategies) {
    test(`${name} by its name`, () => {
      const config = schedulingOf(`scheduling: {strategy: ${name}}\n`);
      assert.deepEqual(config.scorers, scorers);
      for (const queue of config.root.children) {
        const { name: by } = queue.order;
        assert.equal(by, order.name);
      }
      assert.equal(config.plan, name === 'optimal' ? 'optimal' : undefined);
    });
  }
  test('what is said beside it goes before it', () => {
    const config = schedulingOf(
      'scheduling: {strategy: priority_based, placement: spread, ageing_per_hour: 3}\n',
    );
    assert.deepEqual(config.scorers, [{ name: 'spread', weight: 1 }]);
    assert.equal(config.root.children[0]!.order.ageingPerHour, 3);
  });
  test('under `policy`, a strategy where no order is called so', () => {
    assert.deepEqual(schedulingOf('scheduling: {policy: adaptive}\n').scorers, [
      { name: 'adaptive', weight: 1 },
    ]);
    const config = schedulingOf('scheduling: {policy: fair_share}\n');
    assert.deepEqual(config.scorers, [{ name: 'best-fit', weight: 1 }]);
    assert.equal(config.root.children[0]!.order.halfLifeMs, 7 * 86_400_000, 'the order as it is');
  });
  test('under `strategy`, an order, too', () => {
    const { order } = schedulingOf('scheduling: {strategy: drf}\n').root.children[0]!;
    assert.equal(order.name, 'drf');
  });
  test('optimal plans for one queue alone', () => {
    const text =
      'scheduling:\n  strategy: optimal\n  backfill: easy\nqueues: {a: {max_active: 1}}\n';
    const lines = reported(text);
    assert.ok(
      lines.some((line) => /queues cannot be together with the strategy of line 2/.test(line)),
      lines.join('\n'),
    );
    assert.ok(
      lines.some((line) => /backfill cannot be together/.test(line)),
      lines.join('\n'),
    );
  });
});
