import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalSentence } from '../../src/api/views/sentences.ts';
import { play } from '../builders/play.ts';
import { node, Site } from '../builders/site.ts';
import { reported, schedulingOf } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const SECOND = 1_000;

function site(): Site {
  const large = node('n', { cpu: 1_000_000, memory: 1_000 * GIB });
  const s = new Site(schedulingOf(seedBlock('queues')), large);
  s.now = Date.parse('2026-05-01T10:00:00Z');
  return s;
}

test(
  'queues: batch_size tasks start in each processing_interval, and no key of them is left over',
  whereSeed,
  () => {
    const told = reported(seedBlock('queues')).join('\n');
    assert.doesNotMatch(told, /batch_size|processing_interval/);
    for (const restarts of [false, true]) {
      const s = site();
      assert.equal(s.submit({ queue: 'batch', count: 250 }), undefined);
      const starts = play(s, s.now + 3600 * SECOND, (one) => {
        if (restarts) one.restart();
      });
      const counts: Record<string, number> = {};
      for (const [at] of starts) counts[at.slice(11)] = (counts[at.slice(11)] ?? 0) + 1;
      assert.deepEqual(counts, { '10:00:00': 100, '10:01:00': 100, '10:02:00': 50 });
    }
  },
);

test(
  'queues: who comes between two batches waits for the next and is told when; other queues do not wait',
  whereSeed,
  () => {
    const s = site();
    s.submit({ queue: 'batch' });
    s.pass();
    s.now += 15 * SECOND;
    s.submit({ queue: 'batch', count: 3 });
    s.submit({ queue: 'default' });
    s.submit({ queue: 'high_priority' });
    assert.deepEqual(s.pass().toSorted(), ['3.s.0.1', '4.s.0.1']);
    assert.equal(
      refusalSentence(s.why(2)!, s.at),
      'queue batch starts work in batches: the next begins at 2026-05-01T10:01:00Z, in 45s',
    );
    assert.deepEqual(
      play(s, s.now + 3600 * SECOND).map(([at, id]) => `${at.slice(11)} ${id}`),
      ['10:01:00 2.s.0.1', '10:01:00 2.s.1.1', '10:01:00 2.s.2.1'],
    );
  },
);
