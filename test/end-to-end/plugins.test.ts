import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { statusSchema } from '../../src/api/contract/documents.ts';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 180_000 };
const task = (name: string, more = '') =>
  `name: ${name}\nrun: 'true'\nresources: {cpu: 0.25, memory: 64Mi}\n${more}`;

async function up(scratch: Scratch, site: string) {
  const args = ['up', '-d', '--port', '0', '--json', '--state', scratch.state];
  return runBerth([...args, '--site', scratch.write('site.yaml', site)]);
}

async function submit(scratch: Scratch, text: string): Promise<string> {
  const { id } = await berth(scratch.state, 'submit', scratch.write('task.yaml', text));
  return id;
}

const status = async ({ state }: Scratch) => statusSchema.parse(await berth(state, 'status'));

test(
  'a scorer, a filter and an order of the site are in use, and those that fail are named',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    // The order goes by name of the workload, the filter fails once the file `break` is there.
    const byName = scratch.write(
      'by-name.ts',
      `import { defineOrder } from 'berth';
export default defineOrder({
  name: 'by-name',
  what: 'By the first letter of the name.',
  rule: () => ({ taskClass: () => 0, heapRank: (task) => (task.workloadName ?? 'z').charCodeAt(0) }),
});`,
    );
    const gate = scratch.write(
      'gate.ts',
      `import { existsSync } from 'node:fs';
export default {
  name: 'gate', what: 'Fails when it is told to.',
  passes: () => existsSync('${scratch.dir}/break') ? undefined : true,
};`,
    );
    scratch.write(
      'last.ts',
      "export default { name: 'last', what: 'The last node.', score: (_table, row) => row };",
    );
    const started = await up(
      scratch,
      `plugins: [${byName}, ${gate}, ./last.ts]
scheduling:
  policy: by-name
  placement: {best-fit: 1, last: 3}
  filters: [gate]
queues:
  default: {limit: {cpu: 0.25}}
`,
    );
    assert.equal(started.code, 0, started.stderr);
    const { plugins } = await status(scratch);
    assert.deepEqual(
      plugins.map(({ name, kind, problem }) => [name, kind, problem]),
      [
        ['by-name', 'order', null],
        ['gate', 'filter', null],
        ['last', 'scorer', null],
      ],
    );

    const holds = `run: |\n  until [ -e ${scratch.dir}/go ]; do sleep 0.1; done\n`;
    await submit(scratch, `name: m\n${holds}resources: {cpu: 0.25, memory: 64Mi}\n`);
    const z = await submit(scratch, task('z'));
    const a = await submit(scratch, task('a'));
    scratch.write('go', '');
    await runBerth(['wait', z, '--state', state]);
    const startedAt = async (id: string): Promise<number> =>
      (await berth(state, 'ps', '--all')).workloads.find((w: { id: string }) => w.id === id)
        .started_at;
    assert.ok((await startedAt(a)) <= (await startedAt(z)), 'a was submitted later');

    scratch.write('break', '');
    const blocked = await submit(scratch, task('blocked'));
    const why = await berth(state, 'why', blocked);
    assert.match(
      why.sentence,
      /filter gate failed and was set aside \(its passes returned undefined, which is not true or false\)/,
    );
    const now = await status(scratch);
    assert.match(now.plugins[1]?.problem ?? '', /returned undefined/);
    assert.equal(now.plugins[0]?.problem, null, 'the others go on');
    const { stdout } = await runBerth(['status', '--state', state]);
    assert.match(
      stdout,
      /plug-in\s+filter gate, \S+gate\.ts\n\s+set aside: passes returned undefined/,
    );
    const log = readFileSync(join(state, 'logs', 'daemon.log'), 'utf8');
    assert.equal(log.split('"component":"plug-in"').length, 2, log);

    // Without the site, the same journal is recovered, and what waited starts.
    await berth(state, 'down');
    const again = await runBerth(['up', '-d', '--port', '0', '--json', '--state', state]);
    assert.equal(again.code, 0, again.stderr);
    const waited = await runBerth(['wait', blocked, '--json', '--state', state]);
    assert.equal(JSON.parse(waited.stdout).status, 'succeeded');
  },
);

const refusals: Record<string, { site: string; plugin?: string; says: RegExp }> = {
  'is not there': {
    site: 'plugins: [./none.ts]\n',
    says: /plug-in \S+none\.ts cannot be read: there is no such file/,
  },
  'has a syntax error': {
    site: 'plugins: [./mine.ts]\n',
    plugin: 'export default {\n  score( {\n};\n',
    says: /mine\.ts:\d cannot be used/,
  },
  'is misspelt where it is used': {
    site: 'plugins: [./mine.ts]\nscheduling: {placement: mein}\n',
    plugin: "export default { name: 'mine', what: 'Mine.', score: () => 1 };",
    says: /site\.yaml:2:\d+ error: scheduling\.placement: no scorer is called "mein".*mine/,
  },
};
for (const [name, { site, plugin, says }] of Object.entries(refusals)) {
  test(`a plug-in that ${name}: no daemon, a sentence, and nothing is left`, bounded, async (t) => {
    const scratch = scratchState(t);
    if (plugin !== undefined) scratch.write('mine.ts', plugin);
    const refused = await up(scratch, site);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, says);
    const checked = await runBerth(['check', join(scratch.dir, 'site.yaml')]);
    assert.notEqual(checked.code, 0);
    assert.match(checked.stderr + checked.stdout, says);
  });
}
