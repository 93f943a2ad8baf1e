import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeRegressions } from '../../src/app/doctor-regressions.ts';
import { timeMs } from '../../src/base/units.ts';
import { openHistory } from '../../src/store/io/history.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { noise } from '../builders/series.ts';
import { scratch } from '../store/scratch.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-03-02T00:00:00Z');
const DAYS = 8;

test('a disk that became slow, found in the history of the daemon', async (t) => {
  const folder = scratch(t);
  const history = openHistory({ file: join(folder, 'history.db'), onProblem: (problem) => assert.fail(String(problem)) });
  t.after(() => history.close());
  const journal = openJournal({ file: join(folder, 'journal.db') });
  t.after(() => journal.close());
  const count = (DAYS * 1_440) / 5;
  const [reads, times] = [noise(1, count), noise(2, count)];
  const slow = Math.floor(count * 0.6);
  for (let i = 0; i < count; i++) {
    const each = (i < slow ? 0.004 : 0.009) * (1 + 0.05 * times[i]!);
    const perSecond = 50 + 5 * reads[i]!;
    const labels = { device: 'sda' };
    history.record(timeMs(START + i * 5 * MINUTE), [
      { name: 'berth_node_disk_reads_per_second', labels, value: perSecond },
      { name: 'berth_node_disk_read_time_ratio', labels, value: perSecond * each },
      { name: 'berth_node_cpu_busy_ratio', labels: {}, value: 0.4 },
    ]);
  }
  const to = timeMs(START + DAYS * 1_440 * MINUTE);
  const list = await takeRegressions({ journal, history }, { from: timeMs(START), to }, undefined);
  const [finding] = list.findings;
  assert.equal(finding?.id, 'regression/storage');
  assert.match(
    finding.sentence,
    /^The time of a read \(sda\) went from (3\.9|4\.0)\d* ms to (8\.9|9\.0)\d* ms since 2026-03-06/,
  );
  assert.ok(finding.remedies.length > 0);
  assert.deepEqual(
    list.layers.filter(({ state }) => state === 'worse').map(({ layer }) => layer),
    ['storage'],
  );
  assert.equal(list.complete, true);
});
