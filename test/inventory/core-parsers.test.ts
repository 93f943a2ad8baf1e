import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { architectureOf, parseCpuinfo } from '../../src/inventory/parsers/cpuinfo.ts';
import { instructionSets, isaLevel } from '../../src/inventory/parsers/isa.ts';
import {
  parseAssignments,
  parseColonLines,
  parseMeminfo,
} from '../../src/inventory/parsers/key-value.ts';
import { parseMounts } from '../../src/inventory/parsers/mounts.ts';
import { bridgeBuses, expressLink, parsePciAddress } from '../../src/inventory/parsers/pci.ts';
import { parseKernelSize, parseTransferRate } from '../../src/inventory/parsers/sizes.ts';
import { dataFolder } from './fixtures.ts';

const sizes: Record<string, number | undefined> = {
  '32768K': 32 * 2 ** 20,
  '1M': 2 ** 20,
  '2 GB': 2 * 2 ** 30,
  '4096': 4096,
  '': undefined,
  K: undefined,
  '-1K': undefined,
  '1.5M': undefined,
  '9007199254740992': undefined,
  '99999999999T': undefined,
};
for (const [text, want] of Object.entries(sizes)) {
  test(`the size ${JSON.stringify(text)}`, () => assert.equal(parseKernelSize(text), want));
}

test('link rates are transfers per second, and unknown rates are not', () => {
  assert.equal(parseTransferRate('8.0 GT/s PCIe'), 8e9);
  assert.equal(parseTransferRate('2.5 GT/s'), 2.5e9);
  assert.equal(parseTransferRate('Unknown speed'), undefined);
  assert.equal(parseTransferRate('Unknown'), undefined);
});

test('meminfo is in bytes, of a node too; a figure without its unit was cut off', () => {
  const text =
    'MemTotal:  16 kB\nHugePages_Total:   3\nActive(anon):  1 kB\nbad line\nSwapTotal:  99';
  assert.deepEqual(
    [...parseMeminfo(text)],
    [
      ['MemTotal', 16384],
      ['Active(anon)', 1024],
    ],
  );
  assert.equal(parseMeminfo('Node 1 MemTotal:   1 kB\n').get('MemTotal'), 1024);
});

test('os-release values lose their quotes and escapes', () => {
  const found = parseAssignments(
    `ID=debian\nPRETTY_NAME="Debian \\"12\\""\nVERSION='12'\n# no\n=x\n`,
  );
  assert.deepEqual(Object.fromEntries(found), {
    ID: 'debian',
    PRETTY_NAME: 'Debian "12"',
    VERSION: '12',
  });
});

test('the first of two equal names counts', () => {
  assert.equal(parseColonLines('a: 1\na: 2\n').get('a'), '1');
});

test('blanks in mount points are written in octal', () => {
  assert.deepEqual(parseMounts('none /mnt/a\\040b cgroup rw,cpuset 0 0\nbad\n'), [
    { type: 'cgroup', mountPoint: '/mnt/a b', options: ['rw', 'cpuset'] },
  ]);
});

test('x86-64 levels are those of the psABI, and a missing flag ends them', () => {
  const v1 = 'lm cmov cx8 fpu fxsr mmx sse sse2 syscall'.split(' ');
  const v2 = [...v1, ...'cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3'.split(' ')];
  const v3 = [...v2, ...'avx avx2 bmi1 bmi2 f16c fma abm movbe xsave'.split(' ')];
  const v4 = [...v3, ...'avx512f avx512bw avx512cd avx512dq avx512vl'.split(' ')];
  const level = (flags: readonly string[]) => isaLevel('x86', flags);
  assert.deepEqual([v1, v2, v3, v4].map(level), [
    'x86-64-v1',
    'x86-64-v2',
    'x86-64-v3',
    'x86-64-v4',
  ]);
  assert.equal(level(v4.filter((flag) => flag !== 'popcnt')), 'x86-64-v1');
  assert.equal(level(['sse2']), undefined);
  assert.equal(isaLevel('arm', v4), undefined);
  assert.deepEqual(instructionSets(['avx2', 'avx512_vnni', 'mmx', 'amx_tile']), [
    'amx_tile',
    'avx2',
    'avx512_vnni',
  ]);
});

const families: Record<string, { text: string; want: string | undefined }> = {
  x86: {
    text: 'processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nflags\t\t: fpu lm\n',
    want: 'x86',
  },
  arm: {
    text: 'processor\t: 0\nBogoMIPS\t: 50\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n',
    want: 'arm',
  },
  power: {
    text: 'processor\t: 0\ncpu\t\t: POWER9, altivec supported\n\ntimebase\t: 512000000\n',
    want: 'power',
  },
  s390: {
    text: 'vendor_id       : IBM/S390\n# processors    : 2\nprocessor 0: version = FF,  identification = 0\n',
    want: 's390',
  },
  riscv: { text: 'processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\n', want: 'riscv' },
  'nothing known': { text: 'hello: world\n', want: undefined },
};
for (const [name, tc] of Object.entries(families)) {
  test(`the family of ${name} is known by its own fields`, () => {
    assert.equal(architectureOf(parseCpuinfo(tc.text)), tc.want);
  });
}

test('s390 processors are one line each', () => {
  const info = parseCpuinfo(families['s390']!.text);
  assert.deepEqual(
    info.blocks.map((b) => [b.processor, b.fields.get('version')]),
    [[0, 'FF']],
  );
});

const proc = dataFolder('hosts/node_exporter/proc');
test('the cpuinfo of a laptop with 8 threads', {
  skip: proc === undefined && 'no data folder',
}, () => {
  const info = parseCpuinfo(readFileSync(`${proc}/cpuinfo`, 'utf8'));
  assert.equal(info.blocks.length, 8);
  assert.equal(
    info.blocks[7]!.fields.get('model name'),
    'Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz',
  );
  assert.equal(architectureOf(info), 'x86');
});

test('PCI addresses have a domain of four digits or more', () => {
  assert.deepEqual(parsePciAddress('0000:3b:00.0'), {
    domain: 0,
    bus: 0x3b,
    device: 0,
    function: 0,
  });
  assert.deepEqual(parsePciAddress('10000:E1:00.7'), {
    domain: 0x10000,
    bus: 0xe1,
    device: 0,
    function: 7,
  });
  for (const text of ['3b:00.0', '0000:3b:00.8', '0000:3b:00.0:pcie01', '']) {
    assert.equal(parsePciAddress(text), undefined, text);
  }
});

test('a bridge tells its buses, unless firmware left them unnumbered or it is none', () => {
  const config = new Uint8Array(64);
  config[0x0e] = 0x81;
  config.set([0, 1, 3], 0x18);
  assert.deepEqual(bridgeBuses(config, 0), { secondary: 1, subordinate: 3 });
  assert.equal(bridgeBuses(config, 1), undefined);
  config[0x0e] = 0;
  assert.equal(bridgeBuses(config, 0), undefined);
  assert.equal(bridgeBuses(config.subarray(0, 20), 0), undefined);
});

test('the link of PCI Express is found along the chain of capabilities, also when the chain is a ring', () => {
  const config = new Uint8Array(256);
  config[0x06] = 0x10;
  config[0x34] = 0x40;
  config.set([0x01, 0x60], 0x40);
  config.set([0x10, 0x40], 0x60);
  config.set([0x84, 0x00], 0x60 + 0x0c);
  config.set([0x43, 0x00], 0x60 + 0x12);
  assert.deepEqual(expressLink(config), {
    current: { speed: 8e9, width: 4 },
    max: { speed: 16e9, width: 8 },
  });
  config[0x60] = 0x05;
  assert.equal(expressLink(config), undefined);
});

test('no bytes make the configuration readers throw or loop', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(255), (bytes, bus) => {
      const buses = bridgeBuses(bytes, bus);
      if (buses !== undefined)
        assert.ok(buses.secondary > bus && buses.subordinate >= buses.secondary);
      const width = expressLink(bytes)?.current?.width;
      if (width !== undefined) assert.ok(width > 0 && width < 64);
    }),
  );
});
