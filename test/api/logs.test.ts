import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logChunkSchema } from '../../src/api/contract/documents.ts';
import { openSite } from './open-site.ts';
import { ScenarioSite } from './scenario-site.ts';
import { GIB } from './toy-workload.ts';

const bounded = { timeout: 20_000 };
const log = '/api/v1/attempts/1.a.0.1/logs';

function written(text: string): ScenarioSite {
  const site = new ScenarioSite();
  site.add({
    name: 'j',
    steps: [{ id: 'a', command: 'x', cpuMilli: 1_000, memoryBytes: GIB, runMs: 60_000 }],
  });
  site.write('1.a.0.1', 'stdout', text);
  return site;
}

const pieces: Record<string, { query: string; want: [string, number, number] }> = {
  'the whole of a short log': { query: '', want: ['0123456789', 0, 10] },
  'from an offset': { query: '?from=4', want: ['456789', 4, 10] },
  'from the end': { query: '?from=-3', want: ['789', 7, 10] },
  'at most so much': { query: '?from=2&max=3', want: ['234', 2, 5] },
  'past the end': { query: '?from=99', want: ['', 10, 10] },
};
for (const [name, { query, want }] of Object.entries(pieces)) {
  test(`a piece: ${name}`, bounded, async (t) => {
    const { ask } = await openSite(t, written('0123456789'));
    const chunk = logChunkSchema.parse((await ask('GET', `${log}/stdout${query}`)).json());
    assert.deepEqual([chunk.text, chunk.offset, chunk.next], want);
    assert.equal(chunk.ended, false);
  });
}

test('a piece says what the cap threw away', bounded, async (t) => {
  const { ask } = await openSite(t, written('x'.repeat(300_000)));
  const chunk = logChunkSchema.parse((await ask('GET', `${log}/stdout?from=0&max=10`)).json());
  assert.deepEqual([chunk.offset, chunk.dropped], [300_000 - 262_144, 300_000 - 262_144]);
});

test('a download is all that is kept, as a file', bounded, async (t) => {
  const text = 'größer als zuvor\n'.repeat(13_000);
  const { ask } = await openSite(t, written(text));
  const answer = await ask('GET', `${log}/stdout/download`);
  assert.ok(answer.text === text, `${answer.text.length} of ${text.length} characters`);
  assert.equal(answer.headers['content-disposition'], 'attachment; filename="1.a.0.1.stdout.log"');
  assert.equal(answer.headers['berth-dropped-bytes'], '0');
});

test('an empty log downloads as an empty file', bounded, async (t) => {
  const { ask } = await openSite(t, written('x'));
  const answer = await ask('GET', `${log}/stderr/download`);
  assert.deepEqual([answer.status, answer.text], [200, '']);
});

test('a download ends where the log ended when it was asked for', bounded, async (t) => {
  const site = written('x'.repeat(100));
  const read = site.log.bind(site);
  site.log = (request) => {
    const chunk = read(request);
    site.write('1.a.0.1', 'stdout', 'y'.repeat(50));
    return chunk;
  };
  const { ask } = await openSite(t, site);
  const answer = await ask('GET', `${log}/stdout/download`);
  assert.ok(answer.text.length <= 200, `${answer.text.length} bytes`);
});

test('a download that breaks off is cut, not passed off as whole', bounded, async (t) => {
  const site = written('x'.repeat(262_144));
  const read = site.log.bind(site);
  let asked = 0;
  site.log = (request) =>
    ++asked > 2 ? Promise.reject(new Error('disk gone')) : read({ ...request, maxBytes: 1_000 });
  const { ask, logged } = await openSite(t, site);
  await assert.rejects(ask('GET', `${log}/stdout/download`));
  assert.match(logged.join(), /broke off.*disk gone/);
});
