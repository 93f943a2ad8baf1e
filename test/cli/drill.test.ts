import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { CommandResult } from '../../src/cli/command.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { registry } from '../../src/cli/registry.ts';
import { testWorld } from './test-world.ts';

/** The lines of a drill, of the file that is read. */
async function drill(
  line: string,
  text = readFileSync('examples/drills/broken-promise.yaml', 'utf8'),
) {
  const parsed = parseCommandLine(`drill a.yaml ${line}`.trim().split(' '), registry);
  assert.ok(parsed.kind === 'command');
  const world = testWorld({ ...parsed.flags });
  const documents = {
    ...world.documents,
    read: async () => ({ text, fileName: 'a.yaml', cwd: '/' }),
  };
  const reading = { ...world, documents };
  const result: CommandResult = await parsed.command.run(parsed.operands, parsed.values, reading);
  const lines = result.view({ width: 100, colour: 'none', unicode: true });
  return { lines, document: result.document as { runs: { variant: string; seed: number }[] } };
}

test('a drill shows a row for each variant, with what differs between them', async () => {
  const { lines, document } = await drill('--seeds 2');
  assert.match(lines[0]!, /^broken-promise: Twenty jobs/);
  assert.deepEqual(
    lines.slice(2).map((line) => line.trimEnd()),
    [
      'variant   ended badly  succeeded  preempted  wait of large',
      'waits               0         36          0        19h 22m',
      'preempts           11         36         11            10s',
      '',
      'Means of 2 seeds.',
    ],
  );
  assert.deepEqual(
    document.runs.map(({ variant, seed }) => `${variant} ${seed}`),
    ['waits 1', 'waits 2', 'preempts 1', 'preempts 2'],
  );
});

test('one variant by its name, and what has no such name is told', async () => {
  const { document, lines } = await drill('--seeds 1 --variant preempts');
  assert.equal(document.runs.length, 1);
  assert.equal(lines.at(-1), 'Played once.');
  await assert.rejects(drill('--variant none'), /there are waits, preempts/);
});

test('a drill that is wrong is shown with its lines, and one of an unknown policy is told', async () => {
  await assert.rejects(drill('', 'drill: {}\n'), /a\.yaml:1:1 error: the key `nodes` is missing/);
  const odd = `drill: {name: d, what: it shows, for: 1h}
nodes: [{count: 2}]
jobs: [{name: a, run: 1s}]
variants: {one: {policy: esay}}
`;
  await assert.rejects(drill('', odd), /No policy is called esay; easy\?/);
});
