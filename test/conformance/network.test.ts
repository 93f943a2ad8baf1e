import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import { type BitsPerSecond, UNLIMITED } from '../../src/base/units.ts';
import { RequestGate } from '../../src/gateway/request-gate.ts';
import { type LinkUser, ShapedLink } from '../../src/gateway/shaped-link.ts';
import type { NetworkConfig } from '../../src/model/network-config.ts';
import { parse } from '../builders/site-text.ts';
import { fetchVia, mbit, openRig } from '../gateway/proxy-rig.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { readBlock } from './seed-runs.ts';

function networkOf(): NetworkConfig {
  const parsed = parse(seedBlock('network'));
  assert.ok(parsed.ok && parsed.site.network !== undefined);
  assert.deepEqual(parsed.warnings, []);
  return parsed.site.network;
}

/** The gate of the proxy on a virtual clock, with all that the block says of requests. */
function gateOf({ global, services, waiting }: NetworkConfig): RequestGate {
  return new RequestGate({ global, services, waiting, classes: [{ weight: 1 }] }, 0);
}

/** `count` requests of one service at once; when each passed. Each ends at once, or never. */
function passages(service: string | undefined, count: number, ends = true): number[] {
  const gate = gateOf(networkOf());
  const at: number[] = [];
  for (let id = 0; id < count; id++) {
    const { kind } = gate.offer({ id, service, class: 0, task: 'a' }, 0);
    if (kind !== 'passed') continue;
    at.push(0);
    if (ends) gate.ended(service);
  }
  for (let now: number | undefined = 0; now !== undefined; ) {
    const news = gate.turn(now);
    for (const one of news.passed) {
      at.push(now);
      if (ends) gate.ended(one.service);
    }
    now = news.nextAt;
  }
  return at;
}

const SECOND_US = 1_000_000;
const within = (at: readonly number[], from: number, until: number): number =>
  at.filter((ms) => ms >= from && ms < until).length;

test('`rate_limiting.global`: 200 requests at once, and then 100 a second', whereSeed, () => {
  const at = passages(undefined, 700);
  assert.equal(at.length, 700);
  assert.equal(within(at, 0, 1), 200);
  for (const second of [0, 1, 2, 3, 4]) {
    assert.equal(within(at, 1 + second * 1000, 1 + (second + 1) * 1000), 100, `second ${second}`);
  }
});

test('`per_service.openai`: 60 a minute, and 10 under way at once', whereSeed, () => {
  const at = passages('openai', 25);
  assert.ok(within(at, 0, 60_000) === 25 && within(at, 0, 10_000) <= 11, at.join());
  assert.deepEqual(
    at.slice(-3).map((ms, i, all) => (i === 0 ? 1000 : ms - all[i - 1]!)),
    [1000, 1000, 1000],
  );
  // None of them ends: the tenth is the last.
  assert.equal(passages('openai', 25, false).length, 10);
});

test('`per_service.web_scraping`: 5 a second', whereSeed, () => {
  const at = passages('web_scraping', 50);
  assert.equal(at.length, 50);
  for (const second of [0, 1, 2, 3]) {
    assert.equal(within(at, 1 + second * 1000, 1 + (second + 1) * 1000), 5, at.join());
  }
});

test(
  '`respect_robots_txt`: through the real proxy, what a site forbids is not asked for',
  whereSeed,
  async (t) => {
    const asked: string[] = [];
    const listener: RequestListener = (request, response) => {
      asked.push(request.url!);
      if (request.url !== '/robots.txt') response.end('content');
      else response.end('User-agent: *\nDisallow: /private\n');
    };
    const { allowedHosts: _, ...network } = networkOf();
    const rig = await openRig(t, listener, { network });
    const [open, closed] = [
      await fetchVia(rig, `${rig.origin}/open`),
      await fetchVia(rig, `${rig.origin}/private/page`),
    ];
    assert.deepEqual([open.status, closed.status], [200, 403]);
    assert.equal(closed.headers['berth-reason'], 'robots-denied');
    assert.deepEqual(asked, ['/robots.txt', '/open']);
  },
);

for (const [key, of, wanted] of [
  ['ingress_limit', 'ingress', 100],
  ['egress_limit', 'egress', 50],
] as const) {
  test(`\`bandwidth.${key}\`: all tasks together have ${wanted} Mbit/s`, whereSeed, () => {
    const rate = networkOf()[of];
    const link = new ShapedLink<LinkUser>(rate, { classes: [{ weight: 1 }], at: 0 });
    const free = { class: 0, cap: UNLIMITED as BitsPerSecond, guaranteed: 0 as BitsPerSecond };
    const users = ['a', 'b'].map((key) => ({ key, ...free }));
    const ask = (user: LinkUser): void => link.ask(user.key, link.pieceOf(user), user);
    for (const user of users) link.open(user, 0);
    users.forEach(ask);
    let bits = 0;
    for (let at = 0; at <= 6 * SECOND_US; ) {
      const { granted, nextAt } = link.turn(at);
      for (const user of granted) {
        // After the first second: a burst of 100 ms is given at once.
        if (at > SECOND_US) bits += link.pieceOf(user) * 8;
        ask(user);
      }
      if (granted.length === 0) at = Math.max(at + 1, nextAt!);
    }
    assert.ok(Math.abs(bits / 5 - mbit(wanted)) < mbit(wanted) / 50, `${bits / 5} bit/s`);
  });
}

test('in a job, what the block says of the link is for each of its tasks', whereSeed, () => {
  const { spec, warnings } = readBlock('network', 'run: sleep 1\n');
  assert.deepEqual(warnings, [
    'network.rate_limiting: belongs in the site document of the daemon; ignored here',
  ]);
  const { network } = spec.steps[0]!.execution!;
  assert.deepEqual([network!.ingress, network!.egress], [mbit(100), mbit(50)]);
});
