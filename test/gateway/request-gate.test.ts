import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { spanMs, UNLIMITED } from '../../src/base/units.ts';
import { type GateConfig, RequestGate } from '../../src/gateway/request-gate.ts';
import type { RequestLimits } from '../../src/model/network-config.ts';

const none: RequestLimits = {
  perSecond: UNLIMITED,
  perMinute: UNLIMITED,
  burst: UNLIMITED,
  concurrent: UNLIMITED,
};
const gateOf = (over: Partial<GateConfig>): RequestGate =>
  new RequestGate(
    {
      global: none,
      services: [],
      waiting: { max: 1000, maxMs: spanMs(30_000) },
      classes: [{ weight: 50 }, { weight: 30 }, { weight: 20 }],
      ...over,
    },
    0,
  );
const service = (name: string, limits: Partial<RequestLimits>) => ({
  name,
  hosts: [name],
  robots: false,
  ...none,
  ...limits,
});
const asked = (id: number, of: string | undefined, task = 'a', klass = 0) => ({
  id,
  service: of,
  class: klass,
  task,
});

/** Runs on until nothing waits; when each passed. */
function drain(gate: RequestGate, from: number, end = true): Map<number, number> {
  const passedAt = new Map<number, number>();
  for (let at: number | undefined = from; at !== undefined; ) {
    const news = gate.turn(at);
    for (const one of news.passed) {
      passedAt.set(one.id, at);
      if (end) gate.ended(one.service);
    }
    assert.ok(news.nextAt === undefined || news.nextAt > at || news.passed.length > 0);
    at = news.nextAt;
  }
  return passedAt;
}

describe('requests at a limit', () => {
  test('1,000 at once go at exactly the rate, after the burst', () => {
    const gate = gateOf({ services: [service('api', { perSecond: 100, burst: 20 })] });
    let atOnce = 0;
    for (let id = 0; id < 1000; id++) {
      const { kind } = gate.offer(asked(id, 'api'), 0);
      if (kind === 'passed') atOnce++;
    }
    assert.equal(atOnce, 20);
    const passed = [...drain(gate, 0).values()];
    assert.equal(passed.length, 980);
    assert.deepEqual(
      passed,
      passed.map((_, i) => (i + 1) * 10),
    );
  });

  test('never more than burst + rate × t of the service and of all, whoever comes when', () => {
    const ask = fc.record({ after: fc.integer({ min: 0, max: 400 }), of: fc.nat(2) });
    const limits = { perSecond: 5, perMinute: 60, burst: 3 };
    const all = { perSecond: 7, burst: 4 };
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 120 }), (asks) => {
        const gate = gateOf({
          global: { ...none, ...all },
          services: [service('x', limits), service('y', { concurrent: 1000 })],
        });
        const passes: { at: number; of: string | undefined }[] = [];
        let [at, id, due]: [number, number, number | undefined] = [0, 0, undefined];
        const turn = (when: number): void => {
          const news = gate.turn(when);
          for (const p of news.passed) passes.push({ at: when, of: p.service });
          due = news.nextAt;
        };
        for (const { after, of } of asks) {
          const until = at + after;
          while (due !== undefined && due <= until) turn(due);
          at = until;
          const name = [undefined, 'x', 'y'][of];
          if (gate.offer(asked(id++, name), at).kind === 'passed') passes.push({ at, of: name });
          turn(at);
        }
        while (due !== undefined) turn(due);
        const holds = (
          of: readonly { at: number }[],
          burst: number,
          tokens: number,
          ms: number,
        ) => {
          for (const [i, first] of of.entries()) {
            for (const [j, last] of of.slice(i).entries()) {
              assert.ok((j + 1) * ms <= burst * ms + tokens * (last.at - first.at));
            }
          }
        };
        const ofX = passes.filter(({ of }) => of === 'x');
        holds(ofX, 3, 5, 1000);
        holds(ofX, 3, 60, 60_000);
        holds(passes, 4, 7, 1000);
      }),
    );
  });

  test('tasks take turns, and classes by their weights', () => {
    const gate = gateOf({ services: [service('api', { perSecond: 10, burst: 1 })] });
    gate.offer(asked(-1, 'api'), 0);
    for (let i = 0; i < 60; i++) {
      gate.offer(asked(i * 4, 'api', 'greedy', 0), 0);
      if (i < 20) gate.offer(asked(i * 4 + 1, 'api', 'modest', 0), 0);
      gate.offer(asked(i * 4 + 2, 'api', 'low', 2), 0);
    }
    const order = [...drain(gate, 0).keys()].slice(0, 28);
    const high = order.filter((id) => id % 4 < 2);
    assert.ok(Math.abs(high.length - 20) <= 1);
    assert.ok(Math.abs(high.filter((id) => id % 4 === 1).length - 10) <= 1);
  });

  test('a full service keeps no other waiting', () => {
    const gate = gateOf({
      services: [service('x', { concurrent: 1 }), service('y', { concurrent: 1 })],
    });
    assert.equal(gate.offer(asked(1, 'x'), 0).kind, 'passed');
    assert.equal(gate.offer(asked(2, 'x'), 0).kind, 'waits');
    assert.equal(gate.offer(asked(3, 'y'), 0).kind, 'passed');
    assert.equal(gate.offer(asked(4, undefined), 0).kind, 'passed');
    assert.deepEqual(gate.turn(0).passed, []);
    gate.ended('x');
    assert.deepEqual(
      gate.turn(5).passed.map(({ id }) => id),
      [2],
    );
  });

  test('more than may wait are refused, and who waits too long is told when to come again', () => {
    const gate = gateOf({
      services: [service('api', { perMinute: 1 })],
      waiting: { max: 1, maxMs: spanMs(5000) },
    });
    assert.equal(gate.offer(asked(1, 'api'), 0).kind, 'passed');
    assert.equal(gate.offer(asked(2, 'api'), 0).kind, 'waits');
    assert.deepEqual(gate.offer(asked(3, 'api'), 0), { kind: 'full', retryAfterMs: 120_000 });
    assert.equal(gate.turn(0).nextAt, 5000);
    const { expired } = gate.turn(5000);
    assert.deepEqual(expired, [{ asked: asked(2, 'api'), retryAfterMs: 60_000 }]);
    assert.equal(gate.waiting, 0);
  });

  test('who goes away leaves his place', () => {
    const gate = gateOf({ services: [service('api', { concurrent: 1 })] });
    gate.offer(asked(1, 'api'), 0);
    const second = asked(2, 'api');
    gate.offer(second, 0);
    gate.offer(asked(3, 'api'), 0);
    gate.withdraw(second);
    gate.ended('api');
    assert.deepEqual(
      gate.turn(1).passed.map(({ id }) => id),
      [3],
    );
  });
});
