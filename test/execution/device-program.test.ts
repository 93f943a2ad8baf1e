import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DeviceAccess, deviceProgram } from '../../src/execution/device-program.ts';

interface Attempt {
  readonly letter: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly access: 'open' | 'mknod';
}

const numbers = fc.nat({ max: 4 });
const letters = fc.constantFrom('b' as const, 'c' as const);
const device = fc
  .tuple(letters, numbers, fc.oneof(numbers.map(String), fc.constant('*')))
  .map(([letter, major, minor]) => `${letter} ${major}:${minor}`);
const access: fc.Arbitrary<DeviceAccess> = fc.record({
  list: fc.constantFrom('allowed' as const, 'closed' as const),
  devices: fc.array(device, { maxLength: 6 }),
});
const attempt: fc.Arbitrary<Attempt> = fc.record({
  letter: letters,
  major: numbers,
  minor: numbers,
  access: fc.constantFrom('open' as const, 'mknod' as const),
});

test('the program lets through what the list says, as an interpreter of its instructions sees it', () => {
  fc.assert(
    fc.property(access, attempt, (rules, tried) => {
      assert.equal(answer(deviceProgram(rules), tried), isLetThrough(rules, tried));
    }),
    { numRuns: 2_000 },
  );
});

test('numbers as large as the kernel has them', () => {
  const program = deviceProgram({ list: 'allowed', devices: ['c 4095:1048575', 'b 259:0'] });
  const open = { letter: 'c', major: 4095, minor: 1_048_575, access: 'open' } as const;
  assert.equal(answer(program, open), true);
  assert.equal(answer(program, { ...open, minor: 1_048_574 }), false);
  assert.equal(answer(program, { ...open, letter: 'b', major: 259, minor: 0 }), true);
});

function isLetThrough({ list, devices }: DeviceAccess, tried: Attempt): boolean {
  const { letter, major, minor } = tried;
  const listed = devices.some((one) => {
    return one === `${letter} ${major}:${minor}` || one === `${letter} ${major}:*`;
  });
  return list === 'closed' ? !listed : listed && tried.access === 'open';
}

/** The few instructions of Documentation/bpf/standardization/instruction-set.rst that it is written in. */
function answer(program: Uint8Array, { letter, major, minor, access }: Attempt): boolean {
  const view = new DataView(program.buffer);
  const kind = (letter === 'b' ? 1 : 2) | ((access === 'mknod' ? 1 : 2 | 4) << 16);
  const context = [kind, major, minor];
  const registers: number[] = [];
  for (let at = 0; ; ) {
    const code = view.getUint8(at * 8);
    const to = view.getUint8(at * 8 + 1) & 15;
    const from = view.getUint8(at * 8 + 1) >> 4;
    const offset = view.getInt16(at * 8 + 2, true);
    const constant = view.getInt32(at * 8 + 4, true);
    at++;
    if (code === 0x95) return registers[0] === 1;
    if (code === 0x61) registers[to] = context[offset / 4]!;
    else if (code === 0xbf) registers[to] = registers[from]!;
    else if (code === 0xb7) registers[to] = constant;
    else if (code === 0x57) registers[to] = registers[to]! & constant;
    else if (code === 0x77) registers[to] = registers[to]! >>> constant;
    else if (code === 0x55) at += registers[to] !== constant ? offset : 0;
    else if (code === 0x45) at += (registers[to]! & constant) !== 0 ? offset : 0;
    else assert.fail(`no instruction: ${code}`);
  }
}
