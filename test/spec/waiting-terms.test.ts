import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import type { Zone } from '../../src/model/reservation.ts';
import type { DocumentDefaults } from '../../src/model/site-config.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { parse as parseSite, reported as reportedOfSite, written } from '../builders/site-text.ts';

const HOUR = 3_600_000;
const zone = (name: string): Zone => ({ name, offsets: [{ from: timeMs(0), offsetMs: HOUR }] });
const zoneOf = (name = 'Site/Zone') => (name.includes('/') ? zone(name) : undefined);

function read(text: string, site: DocumentDefaults = {}) {
  return parseDocument(text, { fileName: 'p.yaml', zoneOf, site });
}

function specOf(text: string, site?: DocumentDefaults): WorkloadSpec {
  const parsed = read(text, site);
  if (!parsed.ok) assert.fail(formatIssues(parsed.issues, text, 'p'));
  assert.deepEqual(parsed.warnings, []);
  return parsed.spec;
}

function reported(text: string): string[] {
  const parsed = read(text);
  const issues = parsed.ok ? parsed.warnings : parsed.issues;
  return formatIssues(issues, text, 'p')
    .split('\n')
    .filter((line) => /^p:\d/.test(line))
    .map((line) => line.slice(2));
}

const hours = (inner: string): string => `run: x\noptimization: {scheduling: {${inner}}}\n`;
const daily = (startMs: number, endMs: number, name: string) => ({
  kind: 'daily',
  startMs,
  endMs,
  zone: zone(name),
});

describe('preferred hours of a document', () => {
  const cases: Record<string, { inner: string; want: unknown }> = {
    'those of the site': {
      inner: 'preferred_hours: off_peak, max_wait_time: 3600',
      want: { hours: 'off-peak', maxWaitMs: HOUR },
    },
    'in another spelling, for a day at most': {
      inner: 'preferred_hours: "off-peak"',
      want: { hours: 'off-peak', maxWaitMs: 24 * HOUR },
    },
    'of its own, in the zone of the site': {
      inner: 'preferred_hours: "22:30-6:00", max_wait_time: 1h30m',
      want: { hours: daily(22.5 * HOUR, 6 * HOUR, 'Site/Zone'), maxWaitMs: 1.5 * HOUR },
    },
    'of its own, in its own zone': {
      inner: 'preferred_hours: "01:00–02:00", timezone: Europe/Berlin',
      want: { hours: daily(HOUR, 2 * HOUR, 'Europe/Berlin'), maxWaitMs: 24 * HOUR },
    },
    any: { inner: 'preferred_hours: any', want: undefined },
    none: { inner: '', want: undefined },
  };
  for (const [name, { inner, want }] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(specOf(hours(inner)).preferred, want));
  }
});

describe('wrong hours and batches are told where they are', () => {
  const expected = 'expected `off_peak`, `any`, hours such as 22:00-06:00';
  const cases: Record<string, { text: string; want: string[] }> = {
    'one time of day': {
      text: hours('preferred_hours: "22:00"'),
      want: [
        `2:46 error: optimization.scheduling.preferred_hours: "22:00" is not a time of every day; ${expected}`,
      ],
    },
    'no time of day': {
      text: hours('preferred_hours: "22:00-24:00"'),
      want: [
        `2:46 error: optimization.scheduling.preferred_hours: "24:00" is not a time of day; ${expected}`,
      ],
    },
    'hours of no length': {
      text: hours('preferred_hours: "22:00-22:00"'),
      want: [
        `2:46 error: optimization.scheduling.preferred_hours: it begins when it ends; ${expected}`,
      ],
    },
    'a time zone that is none': {
      text: hours('preferred_hours: "22:00-23:00", timezone: Mars'),
      want: [
        '2:71 error: optimization.scheduling.timezone: no time zone is called "Mars"; expected a name such as Europe/Berlin or UTC',
      ],
    },
    'a time zone of the hours of the site': {
      text: hours('preferred_hours: off_peak, timezone: Europe/Berlin'),
      want: [
        '2:56 error: optimization.scheduling.timezone: `off_peak` is in the zone of the site; expected `preferred_hours` such as 22:00-06:00 with it',
      ],
    },
    'a wait for nothing': {
      text: hours('max_wait_time: 1h'),
      want: [
        '2:29 warning: optimization.scheduling.max_wait_time: does nothing without `preferred_hours`: it starts whenever it can',
      ],
    },
    'a wait without end': {
      text: hours('preferred_hours: off_peak, max_wait_time: unlimited'),
      want: [
        '2:71 error: optimization.scheduling.max_wait_time: "unlimited" cannot be requested; expected a finite amount',
      ],
    },
    'one size twice': {
      text: 'run: x\noptimization: {batching: {enabled: true, max_batch: 5, max_batch_size: 5}}\n',
      want: [
        '2:56 error: optimization.batching.max_batch_size: `max_batch` is given, too, and they are the same thing',
      ],
    },
    'a batch of nothing': {
      text: 'run: x\noptimization: {batching: {max_batch: 0}}\n',
      want: ['2:38 error: optimization.batching.max_batch: 0 is out of range; expected at least 1'],
    },
    'off and on': {
      text: 'run: x\noptimization: {batching: {enabled: false}}\ncost_optimization: {strategies: {batching: {enabled: true}}}\n',
      want: [
        '2:36 error: optimization.batching.enabled: is off here, and asked for by another key of this document',
      ],
    },
    'for a service': {
      text: 'run: x\nservice: {replicas: 1}\noptimization: {batching: {enabled: true}, scheduling: {preferred_hours: off_peak}}\n',
      want: [
        '3:27 error: optimization.batching.enabled: not for a service: its replicas start whenever they can',
        '3:56 error: optimization.scheduling.preferred_hours: not for a service: its replicas start whenever they can',
      ],
    },
  };
  for (const [name, { text, want }] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(reported(text), want));
  }
});

test('batching that nobody switched on is told, and no other', () => {
  const batching = (own: string, saving: string): string[] =>
    reported(
      `run: x\noptimization: {batching: {${own}}}\ncost_optimization: {strategies: {batching: {${saving}}}}\n`,
    );
  assert.deepEqual(batching('wait_time: 60', 'max_batch: 3'), [
    '2:16 warning: optimization.batching: does nothing without `enabled: true`',
    '3:34 warning: cost_optimization.strategies.batching: does nothing without `enabled: true`',
  ]);
  assert.deepEqual(batching('wait_time: 60', 'enabled: true'), []);
  assert.deepEqual(batching('wait_time: 60, enabled: false', 'max_batch: 3'), []);
});

describe('what tasks are alike', () => {
  const gathers = (text: string, site?: DocumentDefaults) =>
    specOf(text, site).steps.map(({ gather }) => gather);
  const on = 'optimization: {batching: {enabled: true, wait_time: 60, max_batch: 1000}}\n';

  test('those with the same command as it is written, or the same action', () => {
    const text = `${on}vars: {doc: a.txt}\nsteps:
  - {id: a, run: [embed, "\${{ vars.doc }}"]}
  - {id: b, run: [embed, "\${{ item }}"], each: [1, 2]}
  - {id: c, run: embed a.txt}
  - {id: d, action: simple_process, with: {file: in.txt}}
  - {id: e, action: simple_process, with: {file: other.txt}}
`;
    const terms = { waitMs: 60_000, max: 1000 };
    const [a, b, c, d, e] = gathers(text);
    assert.deepEqual(a, { alike: 'run ["embed","${{ vars.doc }}"]', ...terms });
    assert.deepEqual(b, { alike: 'run ["embed","${{ item }}"]', ...terms });
    assert.deepEqual(c, { alike: 'run "embed a.txt"', ...terms });
    assert.deepEqual(d, { alike: 'action "simple_process"', ...terms });
    assert.deepEqual(e, d);
    assert.deepEqual(
      gathers(text.replace('a.txt}', 'b.txt}'))[0],
      a,
      'another value of a variable',
    );
  });

  test('long commands differ by their begin or their length', () => {
    const [one] = gathers(`${on}run: ${'a'.repeat(1_000)}\n`);
    const [two] = gathers(`${on}run: ${'a'.repeat(1_001)}\n`);
    assert.notEqual(one!.alike, two!.alike);
    assert.ok(one!.alike.length < 300);
  });

  test('the document goes before the site, and `optimization` before `cost_optimization`', () => {
    const site: DocumentDefaults = { batching: { waitMs: 7_000 as never, max: 7 } };
    const terms = (text: string) => {
      const [first] = gathers(text, site);
      return first && [first.waitMs, first.max];
    };
    const saving = 'cost_optimization: {strategies: {batching: {enabled: true, wait_time: 9}}}\n';
    assert.deepEqual(terms('run: x\n'), [7_000, 7]);
    assert.deepEqual(terms(`run: x\n${on}`), [60_000, 1_000]);
    assert.deepEqual(terms(`run: x\n${saving}`), [9_000, 100]);
    assert.deepEqual(
      terms(`run: x\n${saving}optimization: {batching: {enabled: true, max_batch: 3}}\n`),
      [9_000, 3],
    );
    assert.equal(terms('run: x\noptimization: {batching: {enabled: false}}\n'), undefined);
    assert.equal(terms('run: x\nservice: {replicas: 1}\n'), undefined);
  });
});

describe('what a site says', () => {
  const defaults = (text: string) => {
    const parsed = parseSite(text);
    if (!parsed.ok) assert.fail(formatIssues(parsed.issues, text, 's'));
    return parsed.site.documents;
  };

  test('off-peak hours, in its zone or one of their own', () => {
    const off = (text: string) => written(text).offPeak;
    const night = { kind: 'daily', startMs: 22 * HOUR, endMs: 6 * HOUR };
    assert.equal(off('scheduling: {seed: 2}\n'), undefined);
    assert.deepEqual(off('time_zone: Europe/Berlin\n'), { ...night, timeZone: 'Europe/Berlin' });
    assert.deepEqual(off('time_zone: Asia/Tokyo\nscheduling: {off_peak: "01:00-05:00"}\n'), {
      kind: 'daily',
      startMs: HOUR,
      endMs: 5 * HOUR,
      timeZone: 'Asia/Tokyo',
    });
    assert.deepEqual(
      off('scheduling: {off_peak: {start: "22:00", end: "06:00", timezone: Europe/Berlin}}\n'),
      { ...night, timeZone: 'Europe/Berlin' },
    );
  });

  test('batches of a queue', () => {
    const queue = (inner: string) => written(`queues: {default: {${inner}}}\n`).root.children[0]!;
    assert.deepEqual(queue('batch_size: 100, processing_interval: 60').batch, {
      size: 100,
      intervalMs: 60_000,
    });
    assert.deepEqual(queue('processing_interval: 1m').batch, {
      size: Number.MAX_SAFE_INTEGER,
      intervalMs: 60_000,
    });
    assert.equal(queue('').batch, undefined);
  });

  test('batching and caching of documents that say nothing', () => {
    assert.deepEqual(
      defaults(
        'cost_optimization: {strategies: {batching: {enabled: true, wait_time: 5, max_batch_size: 50}, caching: {enabled: true, ttl: 60}}}\n',
      ),
      { batching: { waitMs: 5_000, max: 50 }, caching: { ttlMs: 60_000, costly: false } },
    );
    assert.equal(
      defaults('cost_optimization: {strategies: {batching: {wait_time: 5}}}\n'),
      undefined,
    );
  });

  test('how tasks are packed', () => {
    const packed = (algorithm: string) => {
      const { root, scorers } = written(
        `cost_optimization: {strategies: {resource_packing: {enabled: true, bin_packing_algorithm: ${algorithm}}}}\n`,
      );
      return [root.children[0]!.order.name, ...scorers.map(({ name }) => name)];
    };
    assert.deepEqual(packed('first_fit_decreasing'), ['largest-first', 'first-fit']);
    assert.deepEqual(packed('best-fit-decreasing'), ['largest-first', 'best-fit']);
    assert.deepEqual(packed('worst_fit'), ['priority', 'worst-fit']);
    assert.deepEqual(packed('next_fit'), ['priority', 'first-fit']);
  });

  const wrong: Record<string, { text: string; want: string[] }> = {
    'a batch of which nothing says how often it begins': {
      text: 'queues: {default: {batch_size: 100}}\n',
      want: [
        '1:20 error: queues.default.batch_size: nothing says how often a batch begins; expected `processing_interval` beside it',
      ],
    },
    'batches without a pause': {
      text: 'queues: {default: {batch_size: 0, processing_interval: 0}}\n',
      want: [
        '1:32 error: queues.default.batch_size: 0 is out of range; expected at least 1',
        '1:56 error: queues.default.processing_interval: "0" is nothing; expected more than 0',
      ],
    },
    'off-peak hours of no length': {
      text: 'scheduling: {off_peak: {start: "22:00", end: "22:00"}}\n',
      want: ['1:24 error: scheduling.off_peak: it begins when it ends; expected two times of day'],
    },
    'what nobody switched on': {
      text: 'cost_optimization: {strategies: {batching: {wait_time: 5}, caching: {ttl: 1h}, resource_packing: {bin_packing_algorithm: first_fit}}}\n',
      want: [
        '1:34 warning: cost_optimization.strategies.batching: does nothing without `enabled: true`',
        '1:60 warning: cost_optimization.strategies.caching: does nothing without `enabled: true`',
        '1:80 warning: cost_optimization.strategies.resource_packing: does nothing without `enabled: true`',
      ],
    },
    'what somebody switched off': {
      text: 'cost_optimization: {strategies: {batching: {enabled: false, wait_time: 5}}}\n',
      want: [],
    },
    'two ways to choose nodes, and two orders': {
      text: 'scheduling: {placement: spread, policy: fifo}\ncost_optimization: {strategies: {resource_packing: {enabled: true, bin_packing_algorithm: first_fit_decreasing}}}\n',
      want: [
        '2:91 error: cost_optimization.strategies.resource_packing.bin_packing_algorithm: line 1 says how nodes are chosen, too',
        '2:91 error: cost_optimization.strategies.resource_packing.bin_packing_algorithm: line 1 says fifo, and both are the policy of the site',
      ],
    },
    'what does not act': {
      text: 'cost_optimization: {strategies: {model_selection: {enabled: true}, resource_packing: {enabled: true, bin_packing_algorithm: next_fit}}}\n',
      want: [
        '1:34 warning: cost_optimization.strategies.model_selection: checked; calls of models go through the gateway, which this version does not have',
        '1:102 warning: cost_optimization.strategies.resource_packing.bin_packing_algorithm: nodes have no order to go on in: the first that fits is taken',
      ],
    },
  };
  for (const [name, { text, want }] of Object.entries(wrong)) {
    test(name, () => assert.deepEqual(reportedOfSite(text), want));
  }
});
