import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  parseCpuTicks,
  parseLoad1,
  parseMemory,
  parsePressure,
} from '../../src/telemetry/proc-counters.ts';
import { otherProc, recordedProc, withoutData } from './host-data.ts';

const parsers: Record<string, (text: string) => unknown> = {
  stat: parseCpuTicks,
  meminfo: parseMemory,
  loadavg: parseLoad1,
  'pressure/io': parsePressure,
};

test('two recorded hosts read as they are', { skip: withoutData }, () => {
  const text = (proc: string, name: string) => readFileSync(join(proc, name), 'latin1');
  assert.deepEqual(parseCpuTicks(text(recordedProc, 'stat')), {
    busy: 301854 + 612 + 111922 + 2 + 3944,
    idle: 8979004 + 3552,
    stolen: 0,
  });
  assert.deepEqual(parseCpuTicks(text(otherProc, 'stat')), {
    busy: 6002 + 152 + 8398 + 1174,
    idle: 3444436 + 448,
    stolen: 0,
  });
  const memory = parseMemory(text(otherProc, 'meminfo'));
  assert.ok(memory.totalBytes !== undefined && memory.availableBytes !== undefined);
  assert.ok(memory.availableBytes < memory.totalBytes);
});

test('of a file that is cut anywhere, what is still known is right', { skip: withoutData }, () => {
  for (const [name, parse] of Object.entries(parsers)) {
    const whole = readFileSync(join(recordedProc, name), 'latin1').slice(0, 3000);
    const full = parse(whole);
    for (let length = 0; length < whole.length; length++) {
      assertKnownIsEqual(parse(whole.slice(0, length)), full, `${name} cut at ${length}`);
    }
  }
});

function assertKnownIsEqual(part: unknown, full: unknown, where: string): void {
  if (part === undefined) return;
  if (typeof part !== 'object' || part === null) {
    assert.equal(part, full, where);
    return;
  }
  for (const [key, value] of Object.entries(part)) {
    assert.ok(typeof full === 'object' && full !== null, where);
    assertKnownIsEqual(value, Reflect.get(full, key), `${where}: ${key}`);
  }
}

const noise = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        'some avg10=',
        'full avg10=',
        ' total=',
        'MemTotal:',
        ' kB',
        '\n',
        ' ',
        '-1',
        '99999999999999999999',
        '7',
      ),
    ),
    { maxLength: 25 },
  )
  .map((words) => words.join(''));

test('a number is never made up: it stands in the text', () => {
  fc.assert(
    fc.property(noise, (text) => {
      const { someUs, fullUs } = parsePressure(text);
      const { totalBytes } = parseMemory(text);
      for (const us of [someUs, fullUs]) if (us !== undefined) assert.ok(text.includes(`${us}`));
      if (totalBytes !== undefined) assert.ok(text.includes(`${totalBytes / 1024}`));
    }),
    { numRuns: 1000 },
  );
});
