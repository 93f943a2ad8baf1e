import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { LoadedPlugin } from '../../src/app/load-plugins.ts';
import { PluginKeeper } from '../../src/app/plugin-keeper.ts';

const loaded: LoadedPlugin[] = ['slow', 'quick'].map((name) => ({
  kind: 'scorer',
  plugin: { name, what: 'Of a test.', score: () => 0 },
  file: `/plugins/${name}.ts`,
}));

function keeper() {
  const log: string[] = [];
  const kept = new PluginKeeper(loaded, (component, sentence) =>
    log.push(`${component}: ${sentence}`),
  );
  return { log, kept, watch: kept.plugins().watch };
}

test('one that takes long in a pass is named, once an hour', async () => {
  const { log, kept, watch } = keeper();
  for (let i = 0; i < 3; i++) {
    // Many short calls make a long pass; the same calls in several passes do not.
    for (let call = 0; call < 30; call++) watch.spent('slow', 5);
    watch.spent('quick', 90);
    await setImmediate();
  }
  const sentence = 'took 150 ms of one pass, while the daemon did nothing else';
  assert.deepEqual(log, [`plug-in: scorer slow (/plugins/slow.ts) ${sentence}`]);
  assert.deepEqual(
    kept.status().map(({ name, slowest_pass_ms }) => [name, slowest_pass_ms]),
    [
      ['slow', 150],
      ['quick', 90],
    ],
  );
});

test('one that is set aside is told once, and shown for as long as it lasts', () => {
  const { log, kept, watch } = keeper();
  watch.setAside('slow', 'score threw Error: no');
  watch.setAside('slow', 'score threw Error: again');
  assert.deepEqual(log, [
    'plug-in: scorer slow (/plugins/slow.ts) is set aside: score threw Error: no; all nodes score alike to it',
  ]);
  assert.deepEqual(
    kept.status().map(({ problem }) => problem),
    ['score threw Error: no', null],
  );
});
