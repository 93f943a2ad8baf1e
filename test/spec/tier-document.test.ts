import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTiers } from '../../src/spec/tier-document.ts';

const DAY = 86_400_000;
const told = (text: string): string[] => {
  const parsed = parseTiers(text);
  return parsed.ok
    ? []
    : parsed.issues.map(({ line, column, message }) => `${line}:${column} ${message}`);
};
const configOf = (text: string) => {
  const parsed = parseTiers(text);
  if (!parsed.ok) assert.fail(told(text).join('\n'));
  return parsed.config;
};

test('four tiers have the bounds of 100, 10 and 1 a day', () => {
  const { tiers, hysteresis, bytesMin } = configOf(`
tiers:
  hot: {storage_gib_month: 0.50}
  warm: {folder: /w/}
  cold: {folder: /c, compress: zstd, access_gib: 0.02}
  frozen: {folder: /f, idle: 1000d}
min_size: 4Ki
`);
  assert.deepEqual(
    tiers.map(({ name, folder, above, idleMs, compress }) => [
      name,
      folder,
      above,
      idleMs / DAY,
      compress,
    ]),
    [
      ['hot', undefined, 100, 0, false],
      ['warm', '/w', 10, 7, false],
      ['cold', '/c', 1, 30, true],
      ['frozen', '/f', 0, 1000, false],
    ],
  );
  assert.deepEqual(
    [tiers[0]!.storage, tiers[0]!.access, tiers[2]!.access, hysteresis, bytesMin],
    [500_000, undefined, 20_000, 2500, 4096],
  );
});

test('what there is no tier for belongs to the next hotter one', () => {
  const { tiers } = configOf('tiers: {hot: {}, frozen: {folder: /f}}');
  assert.deepEqual(
    tiers.map(({ above }) => above),
    [1, 0],
  );
});

const wrong: Record<string, readonly [text: string, want: readonly string[]]> = {
  'one tier': ['tiers: {hot: {}}', ['1:1 there is nothing between which to move']],
  'a hot tier elsewhere': [
    'tiers: {hot: {folder: /h}, warm: {folder: /w}}',
    ['1:9 files of the hottest tier stay where they are'],
  ],
  'no folder': ['tiers: {hot: {}, warm: {}}', ['1:24 the key `folder` is missing']],
  'a relative folder': ['tiers: {hot: {}, warm: {folder: w}}', ['1:33 the path is relative']],
  'a folder that leaves itself': [
    'tiers: {hot: {}, warm: {folder: /a/../b}}',
    ['1:33 the path is relative'],
  ],
  'the same folder': [
    'tiers:\n  hot: {}\n  warm: {folder: /w}\n  cold: {folder: /w/}',
    ['4:18 line 3 has this folder, too'],
  ],
  'bounds that do not fall': [
    'tiers: {hot: {above: 5}, warm: {folder: /w, above: 5}, cold: {folder: /c, idle: 7d}}',
    ['1:52 5 is not below the 5 of hot', '1:81 it is not longer than that of warm'],
  ],
  'unknown words': ['tiers: {hot: {}, tepid: {folder: /w}}', ['1:18 unknown key "tepid"']],
  'no document': ['[]', ['1:1 a list cannot be used here']],
};
for (const [sentence, [text, want]] of Object.entries(wrong)) {
  test(`wrong: ${sentence}`, () => {
    assert.deepEqual(told(text), want);
  });
}
