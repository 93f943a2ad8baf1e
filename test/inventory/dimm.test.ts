import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDmidecode } from '../../src/inventory/parsers/dmidecode.ts';
import { parseMemoryArray, parseMemoryDevice } from '../../src/inventory/parsers/smbios.ts';
import { dimmProbe } from '../../src/inventory/probes/dimm.ts';
import { type HostContent, memoryHost } from './memory-host.ts';
import { noRecordings, recorded, tarMembers, value } from './recorded.ts';

const no = 'not-reported';
const GIB = 2 ** 30;

async function modules(content: HostContent) {
  const outcome = await dimmProbe.read(memoryHost(content));
  assert.equal(outcome.kind, 'found');
  return outcome.kind === 'found' ? outcome.value : assert.fail();
}

test('recorded raw entries: eight modules in 24 slots', { skip: noRecordings }, async () => {
  const found = await modules(
    tarMembers('hwloc/32em64t-2n8c+dax+nvme+mic+dimms.tar.gz', '/sys/firmware/dmi/entries/'),
  );
  assert.deepEqual(
    [found.populated, found.slots, value(found.installedBytes), value(found.errorCorrection)],
    // 72 bits wide for 64 of data.
    [8, 24, 32 * GIB, true],
  );
  const a4 = found.modules.find((m) => value(m.slot) === 'DIMM_A4')!;
  assert.deepEqual(
    [
      value(a4.sizeBytes),
      value(a4.type),
      value(a4.formFactor),
      value(a4.ratedMegatransfers),
      value(a4.configuredMegatransfers),
      value(a4.dataBits),
      value(a4.totalBits),
      value(a4.ranks),
      value(a4.manufacturer),
      value(a4.serial),
      value(a4.part),
    ],
    [
      4 * GIB,
      'DDR3',
      'DIMM',
      1600,
      1600,
      64,
      72,
      2,
      '00AD04B300AD',
      '36679587',
      'HMT351R7CFR8C-PB',
    ],
  );
  const a5 = found.modules.find((m) => value(m.slot) === 'DIMM_A5')!;
  assert.deepEqual(
    [value(a5.sizeBytes), value(a5.ratedMegatransfers), value(a5.serial)],
    [0, no, no],
  );
  // A letter is a socket on this board: nothing says "channel".
  assert.equal(value(found.channels), no);
});

/** A type 17 structure of SMBIOS 3.3: 92 bytes, then its strings. */
function device(set: (view: DataView) => void, strings: readonly string[]): Uint8Array {
  const raw = new Uint8Array(92 + strings.join('\0').length + 2);
  const view = new DataView(raw.buffer);
  raw[0] = 17;
  raw[1] = 92;
  set(view);
  raw.set(Buffer.from(`${strings.join('\0')}\0\0`), 92);
  return raw;
}
const sizes: Record<string, { size: number; extended?: number; want: number | string }> = {
  'an empty slot': { size: 0, want: 0 },
  mebibytes: { size: 16_384, want: 16 * GIB },
  kibibytes: { size: 0x8000 | 512, want: 512 * 1024 },
  'more than 32 GiB, in the extended field': { size: 0x7fff, extended: 65_536, want: 64 * GIB },
  'a size that the firmware does not know': { size: 0xffff, want: no },
};
for (const [name, tc] of Object.entries(sizes)) {
  test(`size of a module: ${name}`, () => {
    const raw = device((view) => {
      view.setUint16(0x0c, tc.size, true);
      view.setUint32(0x1c, tc.extended ?? 0, true);
    }, []);
    assert.equal(value(parseMemoryDevice(raw)!.sizeBytes), tc.want);
  });
}

test('DDR5 with an extended speed, in a named channel', async () => {
  const raw = (channel: string) =>
    device(
      (view) => {
        view.setUint16(0x0c, 32_767 - 0x3fff, true);
        view.setUint16(0x08, 80, true);
        view.setUint16(0x0a, 64, true);
        view.setUint8(0x10, 1);
        view.setUint8(0x11, 2);
        view.setUint8(0x12, 34);
        view.setUint16(0x15, 0xffff, true);
        view.setUint32(0x54, 70_000, true);
        view.setUint16(0x20, 4800, true);
      },
      ['DIMM 0', `P0 CHANNEL ${channel}`],
    );
  const module = parseMemoryDevice(raw('A'))!;
  assert.deepEqual(
    [
      value(module.type),
      value(module.ratedMegatransfers),
      value(module.configuredMegatransfers),
      value(module.slot),
    ],
    ['DDR5', 70_000, 4800, 'DIMM 0'],
  );
  const found = await modules({
    files: {
      '/sys/firmware/dmi/entries/17-0/raw': raw('A'),
      '/sys/firmware/dmi/entries/17-1/raw': raw('B'),
      '/sys/firmware/dmi/entries/17-2/raw': raw('B'),
    },
  });
  assert.deepEqual(found.channels, { known: true, value: 2, source: 'estimated' });
});

test('an array with ECC and a maximum beyond 2 TiB', () => {
  const raw = new Uint8Array(25);
  const view = new DataView(raw.buffer);
  raw.set([16, 23]);
  view.setUint8(5, 3);
  view.setUint8(6, 6);
  view.setUint32(7, 0x80000000, true);
  view.setUint16(0x0d, 16, true);
  view.setUint32(0x0f, 0, true);
  view.setUint32(0x13, 1024, true);
  const array = parseMemoryArray(raw)!;
  assert.deepEqual(
    [value(array.use), value(array.errorCorrection), value(array.maximumBytes), value(array.slots)],
    ['System Memory', 'Multi-bit ECC', 1024 * 2 ** 32, 16],
  );
});

test('bytes of another type, or too few, are no module', () => {
  assert.equal(parseMemoryDevice(new Uint8Array([4, 4, 0, 0])), undefined);
  assert.equal(parseMemoryDevice(new Uint8Array([17, 255, 0])), undefined);
  assert.equal(parseMemoryDevice(new Uint8Array(0)), undefined);
});

test('recorded dmidecode: one module among 128 slots', { skip: noRecordings }, async () => {
  const text = recorded('misc/dmidecode/dmidecode.out');
  const { modules: all, arrays } = parseDmidecode(text);
  const first = all.find((m) => value(m.slot) === 'RAM slot #0')!;
  assert.deepEqual(
    [
      value(first.sizeBytes),
      value(first.type),
      value(first.totalBits),
      value(first.ratedMegatransfers),
    ],
    [4 * GIB, 'DRAM', 32, no],
  );
  assert.deepEqual(
    arrays.map((a) => [
      value(a.use),
      value(a.errorCorrection),
      value(a.maximumBytes),
      value(a.slots),
    ]),
    [['System Memory', 'None', 65 * GIB, 64]],
  );
  const found = await modules({ programs: { 'dmidecode -t memory': text } });
  assert.deepEqual(
    [found.populated, found.slots, value(found.installedBytes), value(found.errorCorrection)],
    [1, 128, 4 * GIB, false],
  );
});

test('entries that only root may read are reported as denied', async () => {
  const at = '/sys/firmware/dmi/entries/17-0/raw';
  const outcome = await dimmProbe.read(
    memoryHost({ files: { [at]: '' }, broken: { [at]: 'denied' } }),
  );
  assert.deepEqual(outcome, { kind: 'failed', problem: { kind: 'denied', detail: at } });
});
