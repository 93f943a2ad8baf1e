import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { problemSchema } from '../../src/api/contract/documents.ts';
import { type Finished, runBerth } from '../builders/berth-cli.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const bounded = { skip: skipSystem, timeout: 180_000 };
const isRoot = process.getuid?.() === 0;

/** What failed, as the command said it to programs; people get the same on stderr. */
function problemOf(done: Finished) {
  const problem = problemSchema.parse(JSON.parse(done.stdout));
  assert.notEqual(done.stderr.trim(), '', 'people are told on stderr');
  assert.doesNotMatch(done.stderr, /\n\s+at .*\.ts:\d+/, 'no stack for a failure of the world');
  return problem;
}

interface FileCase {
  /** Makes the file and returns its path. */
  make(scratch: Scratch): string;
  readonly code: number;
  readonly says: RegExp;
  readonly skip?: string | false;
}

const files: Record<string, FileCase> = {
  'a file that is not there': {
    make: ({ dir }) => join(dir, 'absent.yaml'),
    code: 66,
    says: /absent\.yaml does not exist/,
  },
  'a file that may not be read': {
    make(scratch) {
      const path = scratch.write('secret.yaml', 'name: a\n');
      chmodSync(path, 0);
      return path;
    },
    code: 66,
    says: /may not be read/,
    skip: isRoot ? 'root may read everything' : false,
  },
  'a folder': { make: ({ dir }) => dir, code: 66, says: /is a folder/ },
  'a binary file': {
    make: (scratch) => scratch.write('a.out', readFileSync(process.execPath).subarray(0, 4096)),
    code: 2,
    says: /is not text/,
  },
  'text that is not UTF-8': {
    make: (scratch) => scratch.write('latin.yaml', Buffer.from('name: caf\xe9\n', 'latin1')),
    code: 2,
    says: /not UTF-8/,
  },
  'an empty file': { make: (scratch) => scratch.write('e.yaml', ' \n'), code: 2, says: /is empty/ },
  'two mebibytes': {
    make: (scratch) => scratch.write('big.yaml', `# ${'x'.repeat(2 * 1024 ** 2)}\nname: a\n`),
    code: 2,
    says: /1 MiB at most/,
  },
};

for (const [name, { make, code, says, skip = false }] of Object.entries(files)) {
  test(`${name}: a sentence, and exit ${code}`, {
    ...bounded,
    skip: bounded.skip || skip,
  }, async (t) => {
    const scratch = scratchState(t);
    const file = make(scratch);
    const [ran, checked] = await Promise.all([
      runBerth(['run', file, '--json', '--state', scratch.state]),
      runBerth(['check', file]),
    ]);
    assert.equal(ran.code, code);
    assert.match(ran.stderr, says);
    assert.match(problemOf(ran).detail, says);
    assert.equal(checked.code, code);
    assert.match(checked.stdout + checked.stderr, says);
  });
}

test('all that is wrong with a document, each with its place', bounded, async (t) => {
  const scratch = scratchState(t);
  const file = scratch.write(
    'wrong.yaml',
    `name: wrong
steps:
  - id: a
    run: 'true'
    resources: {cpu: -1, memroy: 1Gi}
  - id: b
    needs: [c]
    run: 'true'
`,
  );
  const done = await runBerth(['run', file, '--json', '--state', scratch.state]);
  assert.equal(done.code, 2);
  const problem = problemOf(done);
  assert.equal(problem.code, 'SPEC_INVALID');
  assert.equal(problem.issues?.length, 3);
  for (const place of [/wrong\.yaml:5:22/, /wrong\.yaml:5:26/, /wrong\.yaml:7:13/]) {
    assert.match(done.stderr, place);
  }
  assert.match(done.stderr, /did you mean "?`?memory/);
  assert.match(done.stderr, /Nothing was submitted/);
});

const cycles = `name: round
steps:
  - {id: a, needs: b, run: 'true'}
  - {id: b, needs: a, run: 'true'}
`;
/** Nine to the ninth, if anybody expanded it. */
const bomb = `name: bomb
a: &a1 [x, x, x, x, x, x, x, x, x]
${Array.from(
  { length: 8 },
  (_, i) =>
    `b${i}: &a${i + 2} [${Array(9)
      .fill(`*a${i + 1}`)
      .join(', ')}]`,
).join('\n')}
`;
const invalid: Record<string, { text: string; says: RegExp }> = {
  'a cycle': { text: cycles, says: /a → b → a|a -> b -> a|cycle/i },
  'a YAML bomb': { text: bomb, says: /alias|error/i },
  'the same key twice': { text: 'name: a\nname: b\nrun: x\n', says: /:2:1 error/ },
  'YAML that does not parse': { text: 'name: [a\nrun: x\n', says: /:\d+:\d+ error/ },
};
for (const [name, { text, says }] of Object.entries(invalid)) {
  test(`${name} is no document: exit 2`, bounded, async (t) => {
    const scratch = scratchState(t);
    const done = await runBerth(['submit', scratch.write('a.yaml', text), '--state', scratch.dir]);
    assert.equal(done.code, 2, done.stderr);
    assert.match(done.stderr, says);
    assert.equal(done.stdout, '');
  });
}

test('without a daemon: exit 69 and how to start one', bounded, async (t) => {
  const scratch = scratchState(t);
  const file = scratch.write('a.yaml', "name: a\nrun: 'true'\n");
  for (const command of [['submit', file], ['ps'], ['logs', '1'], ['why', '1'], ['cancel', '1']]) {
    const done = await runBerth([...command, '--json', '--state', scratch.state]);
    assert.equal(done.code, 69, command.join(' '));
    assert.equal(problemOf(done).code, 'DAEMON_DOWN');
    assert.match(done.stderr, /berth up/);
  }
});

test('a daemon file left by one that was killed is no daemon', bounded, async (t) => {
  const scratch = scratchState(t);
  mkdirSync(scratch.state, { mode: 0o700 });
  const stale = {
    pid: 4_194_000,
    url: 'http://127.0.0.1:1',
    socket: `${scratch.state}/berth.sock`,
  };
  const record = { ...stale, version: '0.0.1', started_at: 1 };
  writeFileSync(join(scratch.state, 'daemon.json'), JSON.stringify(record));
  const done = await runBerth(['ps', '--state', scratch.state]);
  assert.equal(done.code, 69);
  const file = scratch.write('a.yaml', "name: a\nrun: 'true'\nresources: {cpu: 0.1}\n");
  const ran = await runBerth(['run', file, '--quiet', '--state', scratch.state]);
  assert.equal(ran.code, 0, ran.stderr);
});

test('unknown ids: exit 66', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  assert.equal((await runBerth(['up', '-d', '--port', '0', '--state', state])).code, 0);
  for (const command of ['wait', 'why', 'cancel', 'logs']) {
    const done = await runBerth([command, '77', '--json', '--state', state]);
    assert.equal(done.code, 66, command);
    assert.equal(problemOf(done).code, 'NOT_FOUND');
    assert.match(done.stderr, /77/);
  }
});

test('a port in use: the message names it, and nothing is left', bounded, async (t) => {
  const scratch = scratchState(t);
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  assert.ok(address !== null && typeof address === 'object');
  for (const detach of [[], ['-d']]) {
    const port = String(address.port);
    const done = await runBerth([
      'up',
      ...detach,
      '--port',
      port,
      '--json',
      '--state',
      scratch.state,
    ]);
    assert.equal(done.code, 75, done.stderr);
    const problem = problemOf(done);
    assert.equal(problem.code, 'ADDRESS_IN_USE');
    assert.match(problem.detail, new RegExp(port));
    assert.match(problem.hint, /--port/);
  }
});

interface StateCase {
  /** Spoils the state folder of a Berth that has run once. */
  spoil(state: string): void;
  readonly code: number;
  readonly error: string;
  readonly says: RegExp;
  readonly skip?: string | false;
}

const states: Record<string, StateCase> = {
  'from a newer version': {
    spoil(state) {
      const db = new DatabaseSync(join(state, 'journal.db'));
      db.exec('pragma user_version = 99');
      db.close();
    },
    code: 78,
    error: 'STATE_NEWER',
    says: /version 99/,
  },
  'with a journal that is no database': {
    spoil: (state) => writeFileSync(join(state, 'journal.db'), 'x'.repeat(8192)),
    code: 74,
    error: 'STATE_CORRUPT',
    says: /not a database|not a journal/,
  },
  'with an event that cannot be read': {
    spoil(state) {
      const db = new DatabaseSync(join(state, 'journal.db'));
      db.exec(`update events set body = '{"kind":"node-joined"}'; delete from snapshots`);
      db.close();
    },
    code: 74,
    error: 'STATE_CORRUPT',
    says: /event 1/,
  },
  'that may only be read': {
    spoil: (state) => chmodSync(state, 0o500),
    code: 73,
    error: 'STATE_UNWRITABLE',
    says: /EACCES|permission|may only be read|cannot be/,
    skip: isRoot ? 'root may write everywhere' : false,
  },
};
for (const [name, { spoil, code, error, says, skip = false }] of Object.entries(states)) {
  test(`a state folder ${name}: exit ${code}, and it is left as it is`, {
    ...bounded,
    skip: bounded.skip || skip,
  }, async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    const file = scratch.write('a.yaml', "name: a\nrun: 'true'\nresources: {cpu: 0.1}\n");
    assert.equal((await runBerth(['run', file, '--quiet', '--state', state])).code, 0);
    spoil(state);
    const journal = readFileSync(join(state, 'journal.db'));
    for (const command of [
      ['run', file],
      ['up', '-d', '--port', '0'],
    ]) {
      const done = await runBerth([...command, '--json', '--state', state]);
      assert.equal(done.code, code, `${command[0]}: ${done.stderr}`);
      const problem = problemOf(done);
      assert.equal(problem.code, error);
      assert.match(problem.detail, says);
    }
    assert.ok(readFileSync(join(state, 'journal.db')).equals(journal));
    chmodSync(state, 0o700);
  });
}

test('a state folder that is a file: exit 73', bounded, async (t) => {
  const scratch = scratchState(t);
  const state = scratch.write('state-file', 'mine');
  const file = scratch.write('a.yaml', "name: a\nrun: 'true'\n");
  for (const command of [
    ['run', file],
    ['up', '--port', '0'],
    ['up', '-d', '--port', '0'],
  ]) {
    const done = await runBerth([...command, '--json', '--state', state]);
    assert.equal(done.code, 73, `${command.join(' ')}: ${done.stderr}`);
    assert.equal(problemOf(done).code, 'STATE_UNWRITABLE');
  }
  assert.equal(readFileSync(state, 'utf8'), 'mine');
});
