import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBlock } from '../../web/src/parse-block.ts';

const cases: Record<string, { block: string; want: { type: string; data: string } }> = {
  'an event': { block: 'event: change\ndata: {"a":1}', want: { type: 'change', data: '{"a":1}' } },
  'a heartbeat': { block: ':', want: { type: 'comment', data: '' } },
  'data over two lines': { block: 'data: a\ndata: b', want: { type: 'message', data: 'a\nb' } },
};
for (const [name, { block, want }] of Object.entries(cases)) {
  test(`event stream: ${name}`, () => assert.deepEqual(parseBlock(block), want));
}
