import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBuffer } from '../../web/src/log-buffer.ts';

function written(...pieces: string[]): LogBuffer {
  const buffer = new LogBuffer(5);
  let offset = 0;
  for (const text of pieces) {
    buffer.append({ text, offset, next: offset + text.length, dropped: 0 });
    offset += text.length;
  }
  return buffer;
}

const cases: Record<string, { pieces: string[]; want: string[] }> = {
  'whole lines': { pieces: ['a\nb\n'], want: ['a', 'b'] },
  'a line that is still written': { pieces: ['a\nb'], want: ['a', 'b'] },
  'a line in two pieces': { pieces: ['hel', 'lo\n'], want: ['hello'] },
  'an empty line': { pieces: ['a\n\nb\n'], want: ['a', '', 'b'] },
  'a progress bar shows its last state': {
    pieces: [' 1%|#\r 50%|##\r100%|###\n'],
    want: ['100%|###'],
  },
  'a progress bar that goes on': { pieces: ['10%\r20%', '\r30%'], want: ['30%'] },
  'lines from Windows': { pieces: ['a\r\nb\r\n'], want: ['a', 'b'] },
  'colours are left out': {
    pieces: ['\u001b[1;31mred\u001b[0m \u001b[?25lplain\n'],
    want: ['red plain'],
  },
  'a colour cut between pieces': { pieces: ['\u001b[3', '1mred\n'], want: ['red'] },
  'titles and links of terminals are left out': {
    pieces: ['\u001b]0;title\u0007text \u001b]8;;http://x\u001b\\link\n'],
    want: ['text link'],
  },
  'markup stays text': { pieces: ['<b>&amp;\n'], want: ['<b>&amp;'] },
};
for (const [name, { pieces, want }] of Object.entries(cases)) {
  test(`log: ${name}`, () => assert.deepEqual(written(...pieces).lines(), want));
}

test('only the newest lines are kept, and how many are not is known', () => {
  const buffer = written('1\n2\n3\n4\n5\n6\n7\n');
  assert.deepEqual(buffer.lines(), ['3', '4', '5', '6', '7']);
  assert.equal(buffer.forgotten, 2);
});

test('what came before is joined to the first line', () => {
  const buffer = new LogBuffer(10);
  buffer.append({ text: 'lo\nworld\n', offset: 100, next: 109, dropped: 0 });
  buffer.prepend('first\nhel', 91);
  assert.deepEqual(buffer.lines(), ['first', 'hello', 'world']);
  assert.equal(buffer.offset, 91);
});

test('a new array tells that something changed', () => {
  const buffer = written('a\n');
  const before = buffer.lines();
  buffer.append({ text: 'b\n', offset: 2, next: 4, dropped: 0 });
  assert.notEqual(buffer.lines(), before);
});
