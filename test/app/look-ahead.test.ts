import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LookAhead } from '../../src/app/look-ahead.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';

test('what was looked ahead for is kept until something happens', () => {
  const site = new Site(config([queueConfig('default')]), node('n', { cpu: 1000 }));
  site.submit({ runMs: 60_000 });
  site.submit({ runMs: 60_000 });
  site.pass();
  const ahead = new LookAhead(site.engine, () => site.at);
  const starts = ahead.starts();
  assert.deepEqual(starts?.get('2.s.0' as never), { at: 60_000, after: '1.s.0.1' });
  assert.equal(ahead.starts(), starts, 'the same, without another look');
  ahead.forget();
  assert.equal(ahead.starts(), undefined, 'too soon after the last look, and not a stale answer');
});
