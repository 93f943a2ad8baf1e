import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailureLedger } from '../../src/analysis/failure-ledger.ts';
import { incidentsOf } from '../../src/analysis/incidents.ts';
import {
  type IncidentList,
  incidentListSchema,
} from '../../src/api/contract/incident-documents.ts';
import { incidentDocument, worstLoss } from '../../src/api/views/incidents.ts';
import { renderAlerts } from '../../src/cli/commands/alerts.ts';
import { renderIncidents, sparkline } from '../../src/cli/commands/incidents.ts';
import { suffer } from '../builders/failing-site.ts';

const page = { width: 80, colour: 'none', unicode: true } as const;

function listOf(): IncidentList {
  const { journal, now } = suffer('rack without power', 1);
  const ledger = new FailureLedger();
  for (const event of journal) ledger.read(event);
  return {
    from: journal[0]!.at,
    to: now,
    complete: true,
    failures: 40,
    incidents: incidentsOf(ledger).map(incidentDocument),
    slower: [],
    loss: worstLoss(
      [
        { id: 'a', load: 30, capacity: 100 },
        { id: 'b', load: 60, capacity: 100 },
      ],
      'CPU',
    ),
  };
}

test('an incident as people read it, within the width of the page', () => {
  const list = listOf();
  assert.deepEqual(incidentListSchema.parse(list), list, 'what is sent is what is promised');
  const lines = renderIncidents(list, page);
  const text = lines.join('\n');
  assert.match(lines[0]!, /clustered {2}34 failures in 5m/);
  assert.match(text, /32 of\s+them share rack r\d/);
  assert.match(text, /1\. Take rack r\d out of use \(risk: medium\)/);
  assert.match(text, /6 attempts failed alone/);
  assert.match(text, /If node a is lost, the fullest of the others holds 90 %/);
  assert.ok(
    lines.every((line) => line.length <= 80),
    text,
  );
});

test('nothing failed, or nothing together', () => {
  const nothing = { ...listOf(), failures: 0, incidents: [], loss: null };
  assert.deepEqual(renderIncidents(nothing, page), ['Nothing failed in that time.']);
  assert.deepEqual(renderIncidents({ ...nothing, failures: 1 }, page), [
    'Nothing failed together in that time.',
    '',
    '1 attempt failed alone.',
  ]);
});

test('what somebody wrote into a message drives no terminal', () => {
  const list = listOf();
  const [one] = list.incidents;
  const evil = 'red \u001b[31m\u001b]0;title\u0007';
  const { finding } = one!;
  const remedies = finding.remedies.map((remedy) => ({ ...remedy, title: evil, command: evil }));
  const evidence = finding.evidence.map((item) => ({ ...item, sentence: evil }));
  const incident = { ...one!, finding: { ...finding, sentence: evil, evidence, remedies } };
  const text = renderIncidents({ ...list, incidents: [incident], slower: [finding] }, page);
  assert.ok(!text.join('\n').includes('\u001b'));
  const silence = { id: 's1', matches: { alert: evil }, until: 1, by: 'ada', comment: evil };
  const alerts = { alerts: [], rules: [], silences: [silence], now: 0 };
  assert.ok(
    !renderAlerts(alerts as never, page)
      .join('\n')
      .includes('\u001b'),
  );
});

test('failures over time as bars, and without Unicode', () => {
  assert.equal(sparkline([0, 1, 4, 8], page), ' ▁▄█');
  assert.equal(sparkline([0, 1, 4, 8], { ...page, unicode: false }), ' .=@');
});

test('the loss of a node: of one there is nothing to tell, of full ones there is no room', () => {
  const full = (id: string) => ({ id, load: 90, capacity: 100 });
  assert.equal(worstLoss([full('a')], 'CPU'), null);
  const loss = worstLoss([full('a'), full('b')], 'CPU');
  assert.equal(loss?.fullest, null);
  assert.match(loss?.sentence ?? '', /no room/);
});
