import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BLOCKS } from './seed-blocks.ts';

test('every block of the source has a test of what it does', () => {
  const missing = BLOCKS.filter(
    (name) => !existsSync(join(import.meta.dirname, `${name}.test.ts`)),
  );
  assert.deepEqual(missing, []);
});
