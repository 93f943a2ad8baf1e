import { assert } from '../base/assert.ts';
import type { IsolationTerms } from '../model/execution-terms.ts';
import { type Machine, systemCalls } from '../model/system-calls.ts';

/**
 * What no ordinary program calls: the kernel's own modules, clocks, mounts and swap; ways around its bounds (bpf,
 * io_uring, userfaultfd, keyrings, perf); calls that are kept for programs of long ago.
 */
const refusedByDefault = [
  ...['acct', 'quotactl', 'quotactl_fd', 'reboot', 'swapon', 'swapoff', 'syslog', 'vhangup'],
  ...['init_module', 'finit_module', 'delete_module', 'create_module', 'query_module'],
  ...['kexec_load', 'kexec_file_load', 'get_kernel_syms', 'iopl', 'ioperm', 'lookup_dcookie'],
  ...['settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex'],
  ...['mount', 'umount2', 'pivot_root', 'open_tree', 'open_tree_attr', 'move_mount', 'fsopen'],
  ...['fsconfig', 'fsmount', 'fspick', 'mount_setattr', 'unshare', 'setns'],
  ...['open_by_handle_at', 'fanotify_init', 'userfaultfd', 'perf_event_open', 'bpf'],
  ...['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
  ...['add_key', 'request_key', 'keyctl'],
  ...['nfsservctl', 'uselib', 'ustat', 'sysfs', '_sysctl', 'modify_ldt'],
];

/** The names that a task's terms refuse it; nothing where they ask for no filter. */
export function refusedCalls(seccomp: IsolationTerms['seccomp']): readonly string[] {
  if (seccomp === undefined || seccomp === 'off') return [];
  return seccomp === 'default' ? refusedByDefault : seccomp;
}

/** AUDIT_ARCH_* of linux/audit.h. */
const audit: Readonly<Record<Machine, number>> = {
  x64: 0xc000003e,
  arm64: 0xc00000b7,
  riscv64: 0xc00000f3,
};

/** linux/bpf_common.h: load a word of seccomp_data, compare, return. */
const LOAD = 0x20;
const EQUAL = 0x15;
const AT_LEAST = 0x35;
const ANY_BIT = 0x45;
const RETURN = 0x06;
/** Offsets in seccomp_data (linux/seccomp.h); of the first argument the low half. */
const CALL = 0;
const ARCH = 4;
const FIRST_ARGUMENT = 16;
/** What becomes of a call. */
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const REFUSE = 0x00050000 | 1;
const UNKNOWN_CALL = 0x00050000 | 38;
/** Calls of the x32 ABI have this bit: the same calls by other numbers. */
const X32 = 0x40000000;
/** CLONE_NEW*, but for time, which clone cannot make: (linux/sched.h) */
const NAMESPACES = 0x7e020000;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** A jump reaches over at most so many instructions. */
const REACH_MAX = 255;

/**
 * A filter that answers EPERM to the calls of these names, and lets all others through. A call that the machine does
 * not have needs no refusal. Programs of another machine word (32 bits) are killed: their calls have other numbers.
 * Where `unshare` is refused, so is clone with new namespaces, and clone3, of which a filter sees no flags, is
 * answered as by a kernel without it: libraries fall back on clone.
 * @returns `struct sock_filter[]`, as bwrap reads it.
 */
export function seccompProgram(machine: Machine, names: readonly string[]): Uint8Array {
  const numbers = systemCalls[machine];
  const calls = [...new Set(names.flatMap((name) => numbers.get(name) ?? []))];
  const bounded = names.includes('unshare');
  const tail: Instruction[] = [];
  if (bounded) {
    const clone = numbers.get('clone')!;
    const clone3 = numbers.get('clone3')!;
    tail.push([EQUAL, 0, 1, clone3], [RETURN, 0, 0, UNKNOWN_CALL]);
    tail.push([EQUAL, 0, 2, clone], [LOAD, 0, 0, FIRST_ARGUMENT], [ANY_BIT, 1, 0, NAMESPACES]);
  }
  tail.push([RETURN, 0, 0, ALLOW], [RETURN, 0, 0, REFUSE]);
  const x32 = machine === 'x64' ? 1 : 0;
  const tests = calls.length + x32;
  assert(tests + tail.length <= REACH_MAX, `a filter of ${names.length} calls is too long`);
  const head: Instruction[] = [
    [LOAD, 0, 0, ARCH],
    [EQUAL, 1, 0, audit[machine]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, CALL],
  ];
  const tested = [...(x32 ? [[AT_LEAST, X32]] : []), ...calls.map((call) => [EQUAL, call])];
  const refusal = tests + tail.length - 1;
  const compared = tested.map(([code, k], i): Instruction => [code!, refusal - i - 1, 0, k!]);
  return encode([...head, ...compared, ...tail]);
}

/** In the byte order of the three machines. */
function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, jumpTrue, jumpFalse, k], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, jumpTrue);
    view.setUint8(i * 8 + 3, jumpFalse);
    view.setUint32(i * 8 + 4, k, true);
  });
  return bytes;
}
