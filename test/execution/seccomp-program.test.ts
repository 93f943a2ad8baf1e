import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusedCalls, seccompProgram } from '../../src/execution/seccomp-program.ts';
import { type Machine, systemCalls } from '../../src/model/system-calls.ts';

const EPERM = 'errno 1';
const ENOSYS = 'errno 38';
const audit: Record<Machine, number> = { x64: 0xc000003e, arm64: 0xc00000b7, riscv64: 0xc00000f3 };

interface Call {
  readonly arch: number;
  readonly nr: number;
  readonly first?: number;
}

/** What the kernel makes of a call, by the rules of linux/bpf_common.h and linux/seccomp.h. */
function verdict(program: Uint8Array, { arch, nr, first = 0 }: Call): string {
  const view = new DataView(program.buffer);
  const data = new Map([
    [0, nr],
    [4, arch],
    [16, first],
  ]);
  let loaded = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const [code, k] = [view.getUint16(at * 8, true), view.getUint32(at * 8 + 4, true)];
    const jump = (holds: boolean): number => view.getUint8(at * 8 + (holds ? 2 : 3));
    if (code === 0x20) loaded = data.get(k)!;
    else if (code === 0x15) at += jump(loaded === k);
    else if (code === 0x35) at += jump(loaded >= k);
    else if (code === 0x45) at += jump((loaded & k) !== 0);
    else if (code === 0x06) {
      if (k === 0x7fff0000) return 'allowed';
      if (k === 0x80000000) return 'killed';
      return k >>> 16 === 5 ? `errno ${k & 0xffff}` : `return ${k}`;
    } else assert.fail(`instruction ${code}`);
  }
  assert.fail('it runs off its end, which the kernel does not load');
}

const systemCall = (machine: Machine, name: string): number | undefined =>
  systemCalls[machine].get(name);

const machines = ['x64', 'arm64', 'riscv64'] as const;

for (const machine of machines) {
  describe(machine, () => {
    const arch = audit[machine];
    const program = seccompProgram(machine, refusedCalls('default'));
    const of = (name: string, first = 0): string =>
      verdict(program, { arch, nr: systemCall(machine, name)!, first });

    test('each call of the default list is refused, and its neighbours are not', () => {
      const refused = refusedCalls('default').filter(
        (name) => systemCall(machine, name) !== undefined,
      );
      assert.ok(refused.length > 35, `${refused.length}`);
      for (const name of refused) assert.equal(of(name), EPERM, name);
      const names = new Set(refused.map((name) => systemCall(machine, name)));
      for (let nr = 0; nr < 470; nr++) {
        if (names.has(nr) || nr === systemCall(machine, 'clone3')) continue;
        assert.equal(verdict(program, { arch, nr }), 'allowed', `call ${nr}`);
      }
    });

    test('clone makes threads and processes, but no namespaces; clone3 is not there', () => {
      assert.equal(of('clone', 0x00010f00), 'allowed');
      for (const flag of [0x10000000, 0x20000, 0x20000000, 0x40000000, 0x4000000]) {
        assert.equal(of('clone', flag | 17), EPERM, flag.toString(16));
      }
      assert.equal(of('clone3'), ENOSYS);
    });

    test('a list of names is that and nothing else', () => {
      const own = seccompProgram(machine, ['ptrace', 'ptrace', 'iopl', 'socket']);
      const is = (name: string): string =>
        verdict(own, { arch, nr: systemCall(machine, name)!, first: 0x10000000 });
      assert.deepEqual(['ptrace', 'socket', 'mount', 'clone', 'clone3'].map(is), [
        EPERM,
        EPERM,
        'allowed',
        'allowed',
        'allowed',
      ]);
    });

    test('programs of another machine word are killed', () => {
      assert.equal(verdict(program, { arch: 0x40000003, nr: 1 }), 'killed');
    });
  });
}

test('the numbers of x32 are no way around it', () => {
  const program = seccompProgram('x64', ['ptrace']);
  const nr = 0x40000000 + systemCall('x64', 'ptrace')!;
  assert.equal(verdict(program, { arch: audit.x64, nr }), EPERM);
});

test('the longest list that a document may have fits', () => {
  const names = [...systemCalls.x64.keys()].slice(0, 199);
  const program = seccompProgram('x64', [...names, 'unshare']);
  assert.equal(verdict(program, { arch: audit.x64, nr: 0 }), EPERM);
  assert.equal(verdict(program, { arch: audit.x64, nr: 300 }), 'allowed');
});

test('off and nothing refuse nothing', () => {
  assert.deepEqual(refusedCalls('off'), []);
  assert.deepEqual(refusedCalls(undefined), []);
});
