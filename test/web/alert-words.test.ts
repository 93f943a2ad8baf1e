import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alertsSentence,
  firesIn,
  labelsText,
  matchArguments,
  matchesText,
} from '../../web/src/alert-words.ts';
import { evidencePlots, metricTitle, qualitySentence } from '../../web/src/finding-words.ts';
import { congestedDisks, healthy, troubledAlerts } from '../browser/telemetry-scenes.ts';

const NOW = 1_795_000_000_000;
const list = troubledAlerts(NOW);
const [first, , muted, pending] = list.alerts;

test('the sentence above the alerts counts what fires, is about to and is kept quiet', () => {
  const table = [
    [[], 'Nothing fires. 3 rules watched.'],
    [[first], '1 alert fires.'],
    [[pending], '1 alert is about to.'],
    [[muted], '1 is kept quiet.'],
    [list.alerts, '2 alerts fire, 1 is about to, 1 is kept quiet.'],
  ] as const;
  for (const [alerts, sentence] of table) {
    assert.equal(alertsSentence({ ...list, alerts: [...alerts] as typeof list.alerts }), sentence);
  }
  assert.equal(
    alertsSentence({ ...list, alerts: [], rules: [] }),
    'Nothing fires. No rules are watched.',
  );
});

test('an alert that is about to fire says when', () => {
  assert.equal(firesIn(pending!, list, NOW), 'fires in 3m 00s if it stays so');
  assert.equal(firesIn(pending!, list, NOW + 180_000), 'fires with the next sample');
  assert.equal(firesIn({ ...pending!, rule: 'gone' }, list, NOW), undefined);
  assert.equal(labelsText({ rule: 'a', device: 'sda' }), 'rule=a device=sda');
  assert.equal(matchesText({ device: 'sda', alert: 'cpu_high' }), 'cpu_high device=sda');
  assert.equal(matchesText({ device: 'sda' }), 'device=sda');
});

test('a command to copy quotes what a label has in it', () => {
  const table = [
    [{ mount: '/scratch', alert: 'scratch-full' }, 'scratch-full mount=/scratch'],
    [{ mount: '/my data' }, "'mount=/my data'"],
    [{ model: "$(rm -rf ~)'s" }, "'model=$(rm -rf ~)'\\''s'"],
    [{ model: '' }, 'model='],
  ] as const;
  for (const [matches, text] of table) assert.equal(matchArguments(matches), text);
});

test('evidence is plotted by metric, with its threshold and the colour of the resource', () => {
  const [finding] = congestedDisks(NOW).findings;
  const [wait, busy] = evidencePlots(finding!);
  assert.equal(wait!.title, 'node pressure waiting, io');
  assert.equal(wait!.threshold, 0.2);
  assert.deepEqual(busy!.drawn[0], {
    name: 'is',
    colour: 'io',
    kind: 'used',
    metric: 'berth_node_disk_busy_ratio',
    labels: { device: 'nvme0n1' },
  });
  const many = { ...finding!, evidence: Array.from({ length: 9 }, () => finding!.evidence[0]!) };
  assert.equal(evidencePlots(many).length, 3);
  assert.equal(metricTitle('berth_node_load1', {}), 'node load1');
});

test('the doctor says how much of its data it may trust', () => {
  const report = healthy(NOW);
  const table = [
    [null, 'How complete its data is, is not known.'],
    [0.999, 'Its data is 99% fresh and complete.'],
    [0.72, 'Its data is only 72% fresh and complete: it may have missed something.'],
  ] as const;
  for (const [quality, text] of table) assert.equal(qualitySentence({ ...report, quality }), text);
});
