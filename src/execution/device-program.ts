import { assert } from '../base/assert.ts';
import type { DeviceId } from './device-rules.ts';

/** Which device files a group may open: those of the list and no others, or all but those. */
export interface DeviceAccess {
  readonly list: 'allowed' | 'closed';
  /** At most 1,000. */
  readonly devices: readonly DeviceId[];
}

/** linux/bpf.h and linux/bpf_common.h: operations on 64 bits with a constant, and a load of 32. */
const LOAD_WORD = 0x61;
const AND = 0x57;
const SHIFT_RIGHT = 0x77;
const MOVE = 0xb7;
const COPY = 0xbf;
const UNLESS_EQUAL = 0x55;
const IF_ANY_BIT = 0x45;
const EXIT = 0x95;
/** Registers: the answer, the context, and what is read of it. */
const ANSWER = 0;
const CONTEXT = 1;
const KIND = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;
/** In `struct bpf_cgroup_dev_ctx`. */
const ACCESS_TYPE_AT = 0;
const MAJOR_AT = 4;
const MINOR_AT = 8;
const BLOCK = 1;
const CHARACTER = 2;
/** To make such a file. */
const MKNOD = 1;

interface Instruction {
  readonly code: number;
  readonly to: number;
  readonly from?: number;
  /** Of a jump: how many instructions it leaves out; of a load: where. */
  readonly offset?: number;
  readonly constant?: number;
}

/**
 * A program of type BPF_PROG_TYPE_CGROUP_DEVICE: what the devices controller of cgroup v1 was, in v2. The kernel asks
 * it at each open and mknod, and refuses what it answers with 0. Who has a list makes no device files, either.
 * @returns `struct bpf_insn[]` of a little-endian machine.
 */
export function deviceProgram({ list, devices }: DeviceAccess): Uint8Array {
  assert(devices.length <= 1_000, `${devices.length} devices`);
  const match = list === 'allowed' ? 1 : 0;
  const instructions: Instruction[] = [
    { code: LOAD_WORD, to: KIND, from: CONTEXT, offset: ACCESS_TYPE_AT },
    { code: COPY, to: ACCESS, from: KIND },
    { code: AND, to: KIND, constant: 0xffff },
    { code: SHIFT_RIGHT, to: ACCESS, constant: 16 },
    { code: LOAD_WORD, to: MAJOR, from: CONTEXT, offset: MAJOR_AT },
    { code: LOAD_WORD, to: MINOR, from: CONTEXT, offset: MINOR_AT },
  ];
  const end = answered(1 - match);
  const rules = devices.flatMap((device) => ruleOf(device, match));
  if (list === 'allowed') {
    // Over all rules, to the answer for what is not on the list.
    instructions.push({ code: IF_ANY_BIT, to: ACCESS, offset: rules.length, constant: MKNOD });
  }
  return written([...instructions, ...rules, ...end]);
}

/** Answers, where a file has these numbers; else goes on behind. */
function ruleOf(device: DeviceId, answer: number): Instruction[] {
  const [, letter, major, minor] = /^([bc]) (\d+):(\d+|\*)$/.exec(device) ?? [];
  assert(letter !== undefined, `no device: ${device}`);
  const wanted: readonly (readonly [register: number, constant: number])[] = [
    [KIND, letter === 'b' ? BLOCK : CHARACTER],
    [MAJOR, Number(major)],
    ...(minor === '*' ? [] : [[MINOR, Number(minor)] as const]),
  ];
  const then = answered(answer);
  return [
    ...wanted.map(([to, constant], i) => {
      const offset = wanted.length - 1 - i + then.length;
      return { code: UNLESS_EQUAL, to, offset, constant };
    }),
    ...then,
  ];
}

const answered = (answer: number): Instruction[] => [
  { code: MOVE, to: ANSWER, constant: answer },
  { code: EXIT, to: 0 },
];

function written(instructions: readonly Instruction[]): Uint8Array {
  const program = new Uint8Array(instructions.length * 8);
  const view = new DataView(program.buffer);
  for (const [i, { code, to, from = 0, offset = 0, constant = 0 }] of instructions.entries()) {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, to | (from << 4));
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, constant, true);
  }
  return program;
}
