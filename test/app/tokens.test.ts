import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TokenRequest, tokenRequestSchema } from '../../src/api/contract/token-documents.ts';
import { Tokens } from '../../src/app/tokens.ts';
import { timeMs } from '../../src/base/units.ts';

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-tokens-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'tokens.json');
}

const asked = (more: Partial<TokenRequest> = {}): TokenRequest =>
  tokenRequestSchema.parse({ tenant: 'ana', ...more });

const open = (file: string, now: { at: number }, sees: 'own' | 'all' = 'own') =>
  new Tokens({ file, sees }, () => timeMs(now.at));

test('a token proves who has it, after a restart, too, and is not in the file', (t) => {
  const file = scratch(t);
  const now = { at: 1_000 };
  const made = open(file, now).add(asked());
  const text = readFileSync(file, 'utf8');
  assert.ok(!text.includes(made.token.slice(-43)));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = open(file, now);
  assert.deepEqual(again.identify(made.token), { tenant: 'ana', role: 'user', sees: 'own' });
  assert.deepEqual(
    again.list().tokens.map(({ id }) => id),
    [made.id],
  );
  assert.ok(!existsSync(`${file}.new`));
});

test('what is not the token is nobody', (t) => {
  const tokens = open(scratch(t), { at: 0 });
  const { token, id } = tokens.add(asked());
  const last = token.at(-1) === 'A' ? 'B' : 'A';
  for (const wrong of [
    '',
    id,
    `berth_${id}_`,
    token.slice(0, -1) + last,
    `${token}x`,
    token.toUpperCase(),
  ]) {
    assert.equal(tokens.identify(wrong), undefined, wrong);
  }
});

test('it is worth nothing once it is revoked or has expired', (t) => {
  const now = { at: 1_000 };
  const tokens = open(scratch(t), now);
  const short = tokens.add(asked({ expires_in_ms: 500 }));
  const long = tokens.add(asked({ tenant: 'bo' }));
  now.at = 1_499;
  assert.ok(tokens.identify(short.token));
  now.at = 1_500;
  assert.equal(tokens.identify(short.token), undefined);
  assert.equal(tokens.revoke(long.id), true);
  assert.equal(tokens.identify(long.token), undefined);
  assert.equal(tokens.revoke(long.id), false);
});

test('who says nothing sees what the site says, and an admin sees all', (t) => {
  const file = scratch(t);
  const tokens = open(file, { at: 0 });
  const said = tokens.add(asked({ sees: 'own' }));
  const unsaid = tokens.add(asked());
  const admin = tokens.add(asked({ role: 'admin', sees: 'own' }));
  const seen = (site: Tokens) =>
    [said, unsaid, admin].map(({ token }) => site.identify(token)?.sees);
  assert.deepEqual(seen(tokens), ['own', 'own', 'all']);
  assert.deepEqual(seen(open(file, { at: 0 }, 'all')), ['own', 'all', 'all']);
});

test('a damaged file is told, not taken for an empty one', (t) => {
  const file = scratch(t);
  for (const text of [
    '',
    '{',
    '{"version":1,"tokens":[{"id":"x"}]}',
    '{"version":2,"tokens":[]}',
  ]) {
    writeFileSync(file, text);
    assert.throws(() => open(file, { at: 0 }), { code: 'STATE_CORRUPT' }, text);
  }
});
