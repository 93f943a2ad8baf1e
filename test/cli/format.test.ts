import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { apportion, resourceBar, taskBar } from '../../src/cli/bar.ts';
import {
  formatBytes,
  formatBytesOf,
  formatCores,
  formatMoment,
  formatSpan,
} from '../../src/cli/format.ts';
import { renderTable } from '../../src/cli/table.ts';
import { count, displayWidth, enumerate, printable, truncate, wrap } from '../../src/cli/text.ts';
import { tasks } from './documents.ts';

const page = { width: 80, colour: 'none', unicode: true } as const;
const ascii = { width: 80, colour: 'none', unicode: false } as const;

const spans: readonly (readonly [number, string])[] = [
  [0, '0ms'],
  [420, '420ms'],
  [999.4, '999ms'],
  [999.6, '1.0s'],
  [4_200, '4.2s'],
  [9_949, '9.9s'],
  [9_960, '10s'],
  [59_499, '59s'],
  [59_500, '1m 00s'],
  [252_000, '4m 12s'],
  [3_599_600, '1h 00m'],
  [11_100_000, '3h 05m'],
  [86_400_000, '1d 00h'],
  [183_600_000, '2d 03h'],
  [-4_200, '-4.2s'],
];
for (const [ms, want] of spans) {
  test(`a span of ${ms} ms is ${want}`, () => assert.equal(formatSpan(ms), want));
}

const moments: readonly (readonly [number, string])[] = [
  [0, 'now'],
  [-999, 'now'],
  [999, 'now'],
  [-1_000, '1s ago'],
  [-42_300, '42s ago'],
  [-119_000, '1m ago'],
  [-11_100_000, '3h ago'],
  [-180_000_000, '2d ago'],
  [42_000, 'in 42s'],
];
for (const [offset, want] of moments) {
  test(`a moment ${offset} ms from now is ${want}`, () =>
    assert.equal(formatMoment(1e12 + offset, 1e12), want));
}

const amounts: readonly (readonly [number, string])[] = [
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1 KiB'],
  [1_536, '1.5 KiB'],
  [1_048_575, '1 MiB'],
  [100_663_296, '96 MiB'],
  [8_362_000_000, '7.8 GiB'],
  [2 ** 53, '8 PiB'],
];
for (const [bytes, want] of amounts) {
  test(`${bytes} bytes are ${want}`, () => assert.equal(formatBytes(bytes), want));
}

test('an amount of a limit takes the unit of the limit, and unknown stays unknown', () => {
  assert.equal(formatBytesOf(96 * 2 ** 20, 2 ** 30, '—'), '0.1/1 GiB');
  assert.equal(formatBytesOf(null, 2 ** 30, '—'), '—/1 GiB');
  assert.equal(formatBytesOf(96 * 2 ** 20, null, '—'), '96 MiB');
  assert.equal(formatBytesOf(null, null, '—'), '—');
});

test('cores lose their trailing zeros only', () => {
  assert.deepEqual([0, 500, 1_000, 1_250, 10_000, 489].map(formatCores), [
    '0',
    '0.5',
    '1',
    '1.25',
    '10',
    '0.49',
  ]);
});

test('what would drive a terminal is taken out of names', () => {
  assert.equal(
    printable('a\u001b[31mred\u0007\u202egnp.exe\r\nnext\tone'),
    'a?[31mred??gnp.exe next one',
  );
});

test('widths count columns, not code units, and leave styles out', () => {
  assert.deepEqual(
    ['abc', '日本', 'é', 'e\u0301', '✕', '🚀', '\u001b[31mred\u001b[0m'].map(displayWidth),
    [3, 4, 1, 1, 1, 2, 3],
  );
});

test('a truncated text is as wide as allowed at most, and unchanged when it fits', () => {
  assert.equal(truncate(page, 'abcdef', 6), 'abcdef');
  assert.equal(truncate(page, 'abcdef', 5), 'abcd…');
  assert.equal(truncate(ascii, 'abcdef', 5), 'abc..');
  assert.equal(truncate(page, '日本語', 4), '日…');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, width) => {
      const shown = printable(text);
      const cut = truncate(page, shown, width);
      assert.ok(displayWidth(cut) <= Math.max(width, 0));
      if (displayWidth(shown) <= width) assert.equal(cut, shown);
    }),
  );
});

test('sentences wrap at spaces and keep every word', () => {
  assert.deepEqual(wrap('one two three', 9, '  '), ['  one two', '  three']);
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }), (words) => {
      const lines = wrap(words.join(' '), 20, ' ');
      assert.deepEqual(lines.join(' ').split(/ +/).filter(Boolean), words);
      assert.ok(lines.every((line) => line.length <= 20));
    }),
  );
});

test('counts and lists read like a sentence', () => {
  assert.equal(count(1, 'task'), '1 task');
  assert.equal(count(12_040, 'task'), '12,040 tasks');
  assert.deepEqual([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(enumerate), [
    '',
    'a',
    'a and b',
    'a, b and c',
  ]);
});

test('cells are shared out exactly, and nothing that is there vanishes', () => {
  assert.deepEqual(apportion([3, 0, 0, 2, 3], 12), [5, 0, 0, 3, 4]);
  assert.deepEqual(apportion([9_999, 1, 0, 0, 0], 12), [11, 1, 0, 0, 0]);
  assert.deepEqual(apportion([0, 0, 0, 0, 0], 12), [0, 0, 0, 0, 12]);
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 5, maxLength: 5 }), (counts) => {
      const cells = apportion(counts, 12);
      assert.equal(
        cells.reduce((a, b) => a + b, 0),
        12,
      );
      counts.forEach((n, i) => {
        assert.equal(cells[i]! > 0, n > 0 || (i === 4 && counts.every((m) => m === 0)));
      });
    }),
  );
});

test('a bar of tasks shows each state by shape', () => {
  const counts = tasks({ succeeded: 3, failed: 1, running: 2, waiting: 3 });
  assert.equal(taskBar(page, counts, 12), '████▚▒▒▒░░░░');
  assert.equal(taskBar(ascii, counts, 12), '####x===....');
});

test('a bar of a resource: used is full, given out beyond it is outlined, the end is a tick', () => {
  const bar = (used: number | null, held: number | null): string =>
    resourceBar(page, 'cpu', { used, held, total: 2_000 }, 10);
  assert.equal(bar(1_000, 1_500), '█████░░░  ┃');
  assert.equal(bar(1_500, 1_000), '████████  ┃');
  assert.equal(bar(null, 1_000), '░░░░░     ┃');
  assert.equal(bar(1, null), '█         ┃');
  assert.equal(bar(9_000, null), '██████████┃');
});

const columns = [
  { title: 'ID', align: 'right' },
  { title: 'NAME', min: 4 },
  { title: 'REASON', min: 6, drop: 1 },
] as const;
const rows = [['12', 'a-long-name', 'Asks 2 GPUs.']];
const widths: readonly (readonly [number, string, readonly string[]])[] = [
  [80, 'stands as it is', ['ID  NAME         REASON', '12  a-long-name  Asks 2 GPUs.']],
  [24, 'cuts its widest columns first', ['ID  NAME       REASON', '12  a-long-n…  Asks 2 G…']],
  [14, 'leaves out what may be left out', ['ID  NAME', '12  a-long-na…']],
];
for (const [width, does, want] of widths) {
  test(`a table on ${width} columns ${does}`, () => {
    const lines = renderTable({ ...page, width }, columns, rows);
    assert.deepEqual(lines, want);
    assert.ok(lines.every((line) => displayWidth(line) <= width));
  });
}
