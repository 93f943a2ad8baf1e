import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import type { DocumentDefaults } from '../../src/model/site-config.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { play } from '../builders/play.ts';
import { node, Site } from '../builders/site.ts';
import { parse, reported, schedulingOf } from '../builders/site-text.ts';
import { GIB } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const block = (): string => seedBlock('cost-optimization');

function read(text: string, site: DocumentDefaults = {}): WorkloadSpec {
  const parsed = parseDocument(text, { fileName: 'job.yaml', site });
  if (!parsed.ok) assert.fail(formatIssues(parsed.issues, text, 'job.yaml'));
  return parsed.spec;
}

/** As the daemon reads documents of a site with this block. */
function defaults(): DocumentDefaults {
  const parsed = parse(block());
  if (!parsed.ok) assert.fail(formatIssues(parsed.issues, block(), 'site.yaml'));
  return parsed.site.documents!;
}

const actions = `steps:
  - {id: plain, action: simple_process, with: {file: /in.txt}}
  - {id: costly, action: analyze_with_ai, with: {endpoint: "http://127.0.0.1:1/v1", prompt: x}}
  - {id: run, run: 'true'}
`;
const job = 'run: [embed, a.txt]\nresources: {cpu: 1, memory: 1Gi}\n';

/** Who says it: the document of a workload, or the site for documents that do not. */
const said = {
  'in a workload': (text: string) => read(`${block()}\n${text}`),
  'in the site': (text: string) => read(text, defaults()),
};
for (const [where, specOf] of Object.entries(said)) {
  test(
    `caching ${where}: results of actions are kept for an hour, of costly ones, too`,
    whereSeed,
    () => {
      const kept = specOf(actions).steps.map(({ flow }) => flow?.cache?.ttlMs);
      assert.deepEqual(kept, [spanMs(3_600_000), spanMs(3_600_000), undefined]);
    },
  );

  test(
    `batching ${where}: alike tasks start together, after five seconds or a hundred at once`,
    whereSeed,
    () => {
      const s = new Site(schedulingOf(block()), node('n', { cpu: 1_000_000, memory: 1_000 * GIB }));
      const spec = specOf(job);
      s.now = Date.parse('2026-05-01T10:00:00Z');
      s.submitSpec(spec);
      assert.deepEqual(play(s, s.now + 2_000), []);
      s.now += 2_000;
      s.submitSpec(spec);
      assert.deepEqual(
        play(s, s.now + 60_000).map(([at]) => at.slice(11)),
        ['10:00:05', '10:00:05'],
      );
      for (let i = 0; i < 99; i++) s.submitSpec(spec);
      assert.deepEqual(s.pass(), []);
      s.submitSpec(spec);
      assert.equal(s.pass().length, 100);
    },
  );
}

test('resource_packing: the largest first, each on the first node with room', whereSeed, () => {
  const nodes = ['a', 'b', 'c'].map((id) => node(id, { cpu: 8_000, memory: 64 * GIB }));
  const s = new Site(schedulingOf(block()), ...nodes);
  const sizes = [2, 4, 7, 1, 5, 3];
  for (const cpu of sizes) s.submit({ cpu });
  const placed = s.pass().map((id) => {
    const { placement } = s.engine.state.attempt(id)!;
    return `${placement.held.cpu / 1_000} on ${placement.node}`;
  });
  assert.deepEqual(placed, ['7 on a', '5 on b', '4 on c', '3 on b', '2 on c', '1 on a']);
});

test('model_selection is told not to act, in a workload and in a site', whereSeed, () => {
  const sentence =
    'cost_optimization.strategies.model_selection: checked; calls of models go through the gateway, which this version does not have';
  assert.deepEqual(reported(block()), [`3:5 warning: ${sentence}`]);
  const text = `${block()}\n${job}`;
  const parsed = parseDocument(text, { fileName: 'job.yaml' });
  const warnings = parsed.ok ? parsed.warnings : [];
  const told = warnings.map(({ path, message }) => `${path.join('.')}: ${message}`);
  assert.deepEqual(told, [
    sentence,
    'cost_optimization.strategies.resource_packing: belongs in the site document of the daemon; ignored here',
  ]);
});
