import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseScenario, Stage } from './scenario.ts';

const files = globSync('*.txt', { cwd: import.meta.dirname }).sort();

test('there are scenarios', () => assert.ok(files.length > 0));

for (const file of files) {
  test(file.replace('.txt', '').replaceAll('-', ' '), () => {
    const stage = new Stage();
    for (const move of parseScenario(readFileSync(join(import.meta.dirname, file), 'utf8'))) {
      assert.deepEqual(stage.play(move), move.want, `${file}:${move.line}: ${move.text}`);
    }
  });
}

test('an expectation that does not hold is seen', () => {
  const [move] = parseScenario('node n cpu=1\n> joined m\n');
  assert.notDeepEqual(new Stage().play(move!), move!.want);
});
