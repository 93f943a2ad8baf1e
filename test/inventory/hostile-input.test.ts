import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipv4Addresses, ipv6Addresses } from '../../src/inventory/parsers/addresses.ts';
import { parseAmdSmi } from '../../src/inventory/parsers/amd-smi.ts';
import { parseDiskstats } from '../../src/inventory/parsers/diskstats.ts';
import { parseDmidecode } from '../../src/inventory/parsers/dmidecode.ts';
import { parseFio } from '../../src/inventory/parsers/fio.ts';
import { parseMdadmDetail } from '../../src/inventory/parsers/mdadm.ts';
import { parseMdstat } from '../../src/inventory/parsers/mdstat.ts';
import { parseMountinfo } from '../../src/inventory/parsers/mountinfo.ts';
import { parseNetDev } from '../../src/inventory/parsers/net-dev.ts';
import {
  gpusOfCsv,
  parseMonitorTable,
  parseNvidiaCsv,
} from '../../src/inventory/parsers/nvidia-csv.ts';
import {
  parseNvidiaListing,
  parseNvlinkStatus,
} from '../../src/inventory/parsers/nvidia-listing.ts';
import {
  parseMigInstances,
  parseMigPlacements,
  parseMigProfiles,
} from '../../src/inventory/parsers/nvidia-mig.ts';
import { parseNvidiaInformation } from '../../src/inventory/parsers/nvidia-procfs.ts';
import { parseNvidiaSmi } from '../../src/inventory/parsers/nvidia-smi.ts';
import { parseGpuTopology } from '../../src/inventory/parsers/nvidia-topo.ts';
import {
  parseRedfishPower,
  parseRedfishSupply,
  parseRedfishThermal,
} from '../../src/inventory/parsers/redfish.ts';
import { parseRocmSmi } from '../../src/inventory/parsers/rocm-smi.ts';
import { parseSmartctl, parseSmartScan } from '../../src/inventory/parsers/smartctl.ts';
import { parseMemoryArray, parseMemoryDevice } from '../../src/inventory/parsers/smbios.ts';
import { parseXml } from '../../src/inventory/parsers/xml.ts';
import { captureSections, noRecordings, recorded } from './recorded.ts';

/** A small true input of each kind, so that the mutations start near what parsers accept. */
const xml =
  '<?xml version="1.0"?><!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd"><nvidia_smi_log><driver_version>535.54</driver_version><attached_gpus>1</attached_gpus><gpu id="00000000:01:00.0"><product_name>NVIDIA A100-SXM4-80GB</product_name><uuid>GPU-513536b6-7d19-9063-b049-1e69664bb298</uuid><fb_memory_usage><total>81920 MiB</total><used>50 MiB</used></fb_memory_usage><ecc_errors><volatile><sram_uncorrectable>3</sram_uncorrectable><dram_uncorrectable>4</dram_uncorrectable></volatile></ecc_errors><processes><process_info><pid>12</pid><used_memory>7 MiB</used_memory></process_info></processes></gpu></nvidia_smi_log>';
const parsers: Record<string, { sample: string; parse: (text: string) => unknown }> = {
  'nvidia-smi -q -x': { sample: xml, parse: parseNvidiaSmi },
  'nvidia-smi -q': {
    sample:
      '==============NVSMI LOG==============\n\nDriver Version : 590.48\nAttached GPUs : 1\nGPU 00000000:00:09.0\n    Product Name : NVIDIA H100\n    FB Memory Usage\n        Total : 81559 MiB\n    Processes\n        GPU instance ID : N/A\n        Process ID : 11\n            Used GPU Memory : 5 MiB\n',
    parse: parseNvidiaSmi,
  },
  'a csv of nvidia-smi': {
    sample:
      'index, name, memory.total [MiB], uuid\n0, NVIDIA A100, 81920 MiB, GPU-513536b6-7d19-9063-b049-1e69664bb298\n',
    parse: (text) => {
      const table = parseNvidiaCsv(text);
      return table === undefined ? undefined : gpusOfCsv(table);
    },
  },
  dmon: {
    sample: '# gpu    pwr  sm\n# Idx      W   %\n    0     69   0\n',
    parse: parseMonitorTable,
  },
  'topo -m': {
    sample:
      '\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\nGPU0\t X \tNV18\t0-7\t0\nGPU1\tNV18\t X \t8-15\t1\n',
    parse: parseGpuTopology,
  },
  'nvidia-smi -L': {
    sample:
      'GPU 0: NVIDIA H100 (UUID: GPU-513536b6-7d19-9063-b049-1e69664bb298)\n  MIG 1g.10gb Device  0: (UUID: MIG-00000002-0000-0000-0000-000000000002)\n',
    parse: parseNvidiaListing,
  },
  'nvlink -s': {
    sample: 'GPU 0: x\n\t Link 0: 26.562 GB/s\n\t Link 1: <inactive>\n',
    parse: parseNvlinkStatus,
  },
  'mig -lgi': {
    sample: '|   0  MIG 1g.5gb          19       13          6:1     |\n',
    parse: parseMigInstances,
  },
  'mig -lgip': {
    sample: '|   0  MIG 1g.5gb        19     7/7        4.75       No     14     0     0   |\n',
    parse: parseMigProfiles,
  },
  'mig -lgipp': {
    sample: 'GPU  0 Profile ID 19 Placements: {0,1,2}:1\n',
    parse: parseMigPlacements,
  },
  'the nvidia module in /proc': {
    sample: 'Model: \t Tesla\nDevice Minor: \t 2\n',
    parse: parseNvidiaInformation,
  },
  'rocm-smi': {
    sample:
      '{"card0": {"GPU use (%)": "5", "VRAM Total Memory (B)": "34342961152", "PCI Bus": "0000:83:00.0"}}',
    parse: parseRocmSmi,
  },
  'amd-smi': {
    sample:
      '[{"gpu": 0, "asic": {"market_name": "MI300X"}, "vram": {"size": {"value": 196592, "unit": "MB"}}}]',
    parse: (text) => parseAmdSmi(text, text),
  },
  smartctl: {
    sample:
      '{"device":{"name":"/dev/sda","protocol":"ATA"},"smartctl":{"exit_status":4},"rotation_rate":7200,"temperature":{"current":33},"user_capacity":{"bytes":2000398934016}}',
    parse: parseSmartctl,
  },
  'smartctl --scan': {
    sample: '{"devices":[{"name":"/dev/sda","type":"sat"}]}',
    parse: parseSmartScan,
  },
  mdstat: {
    sample:
      'md6 : active raid1 sdb2[2](F) sda2[0]\n      195310144 blocks [2/1] [U_]\n      [=>...]  recovery =  8.5% (1/2) finish=17.0min speed=259783K/sec\n',
    parse: parseMdstat,
  },
  'mdadm --detail': {
    sample:
      '/dev/md0:\n        Raid Level : raid5\n        Array Size : 405504 (396.00 MiB)\n             State : clean\n    Number   Major   Minor   RaidDevice State\n       0     254        1        0      active sync   /dev/vda1\n',
    parse: parseMdadmDetail,
  },
  mountinfo: {
    sample: '21 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n',
    parse: parseMountinfo,
  },
  diskstats: { sample: '   8       0 sda 1 2 3 4 5 6 7 8 0 10 11\n', parse: parseDiskstats },
  'net/dev': {
    sample:
      '  lo:   13222     152    0    0    0     0          0         0    13222     152    0    0    0     0       0          0\n',
    parse: parseNetDev,
  },
  fib_trie: {
    sample: '     |-- 10.1.2.3\n        /32 host LOCAL\n',
    parse: (text) => [
      ipv4Addresses(text, text),
      ipv4Addresses(text, 'eth0 0000000A 0 0 0 0 0 000000FF 0 0 0'),
    ],
  },
  if_inet6: {
    sample: 'fe80000000000000020000fffe000001 02 40 20 80     eth0\n',
    parse: ipv6Addresses,
  },
  dmidecode: {
    sample:
      'Handle 0x01A3, DMI type 17, 34 bytes\nMemory Device\n\tSize: 4096 MB\n\tSpeed: 1600 MT/s\n',
    parse: parseDmidecode,
  },
  redfish: {
    sample:
      '{"@odata.type":"#Power.v1_5_0.Power","PowerControl":[{"PowerConsumedWatts":429}],"PowerSupplies":[{"Name":"PS1"}]}',
    parse: (text) => [
      parseRedfishPower(text),
      parseRedfishThermal(text),
      parseRedfishSupply(text, text),
    ],
  },
  fio: {
    sample:
      '{"jobs":[{"read":{"bw_bytes":1000,"iops":3.5,"clat_ns":{"mean":5,"percentile":{"99.000000":9}}},"write":{"bw_bytes":0}}]}',
    parse: parseFio,
  },
};

const binaryParsers: Record<string, (raw: Uint8Array) => unknown> = {
  'SMBIOS type 17': parseMemoryDevice,
  'SMBIOS type 16': parseMemoryArray,
};

/** Cuts, doubles, overwrites and swaps pieces of a text. */
function mutated(sample: string): fc.Arbitrary<string> {
  const at = fc.nat(Math.max(1, sample.length));
  return fc
    .tuple(at, at, fc.string({ unit: 'binary', maxLength: 20 }), fc.nat(4))
    .map(([a, b, noise, way]) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      const middle = sample.slice(from, to);
      switch (way) {
        case 0:
          return sample.slice(0, a);
        case 1:
          return sample.slice(0, from) + sample.slice(to);
        case 2:
          return sample.slice(0, a) + noise + sample.slice(a);
        case 3:
          return sample.slice(0, to) + middle + sample.slice(to);
        default:
          return sample.slice(0, from) + middle.replaceAll(/\d/g, '9999999999') + sample.slice(to);
      }
    });
}

/** Whatever came out, its figures are figures: finite, and whole ones exact. */
function checkFigures(found: unknown, depth = 0): void {
  if (typeof found === 'number') {
    assert.ok(Number.isFinite(found), `${found}`);
    assert.ok(!Number.isInteger(found) || Number.isSafeInteger(found), `${found}`);
  } else if (typeof found === 'object' && found !== null && depth < 20) {
    const inside = found instanceof Map ? [...found] : Object.values(found);
    for (const item of inside) checkFigures(item, depth + 1);
  }
}

const runs = { numRuns: 150, seed: 20261121 };
for (const [name, { sample, parse }] of Object.entries(parsers)) {
  test(`mutations of ${name} neither throw nor give broken figures`, { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(mutated(sample), (text) => checkFigures(parse(text))),
      runs,
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) =>
        checkFigures(parse(text)),
      ),
      runs,
    );
  });

  test(`long and repetitive input of ${name} ends soon`, { timeout: 20_000 }, () => {
    for (const piece of [
      sample,
      sample.slice(0, 5),
      ' ',
      '\n',
      '\t',
      '<a>',
      '<!',
      '[',
      '{"a":',
      '0',
      'GPU0 ',
    ]) {
      const started = performance.now();
      parse(piece.repeat(Math.ceil(500_000 / piece.length)));
      const tookMs = performance.now() - started;
      // Linear work on half a megabyte takes some 50 ms; quadratic work takes minutes.
      assert.ok(tookMs < 4000, `${JSON.stringify(piece.slice(0, 20))}: ${tookMs} ms`);
    }
  });
}

for (const [name, parse] of Object.entries(binaryParsers)) {
  test(`random bytes as ${name}`, () => {
    const structure = fc
      .tuple(fc.constantFrom(16, 17), fc.nat(255), fc.uint8Array({ maxLength: 120 }))
      .map(([type, length, rest]) => new Uint8Array([type, length, ...rest]));
    fc.assert(
      fc.property(structure, (raw) => checkFigures(parse(raw))),
      runs,
    );
  });
}

interface Leaf {
  readonly path: string;
  readonly value: unknown;
}
/** Every known fact, with the path to it. */
function knownFacts(found: unknown, path = ''): readonly Leaf[] {
  if (typeof found !== 'object' || found === null) return [];
  if ('known' in found) {
    return found.known === true && 'value' in found ? [{ path, value: found.value }] : [];
  }
  return Object.entries(found).flatMap(([key, inner]) => knownFacts(inner, `${path}/${key}`));
}

test('what a cut report tells is what the whole one tells: nothing is invented', {
  timeout: 60_000,
}, () => {
  const whole = new Map(knownFacts(parseNvidiaSmi(xml)).map((leaf) => [leaf.path, leaf.value]));
  assert.ok(whole.size > 8);
  for (let length = 0; length < xml.length; length++) {
    const report = parseNvidiaSmi(xml.slice(0, length));
    if (report === undefined) continue;
    assert.ok(report.problems.length > 0, `a report cut at ${length} passes for whole`);
    for (const { path, value } of knownFacts(report)) {
      assert.deepEqual(value, whole.get(path), `${path} at ${length}`);
    }
  }
});

test('the same of a recorded report', { skip: noRecordings, timeout: 60_000 }, () => {
  const text = recorded('nvidia-smi/a100-sxm4-v12.xml');
  const whole = new Map(knownFacts(parseNvidiaSmi(text)).map((leaf) => [leaf.path, leaf.value]));
  for (let length = 0; length < text.length; length += 37) {
    for (const { path, value } of knownFacts(parseNvidiaSmi(text.slice(0, length)))) {
      assert.deepEqual(value, whole.get(path), `${path} at ${length}`);
    }
  }
});

test('the figures of a cut text report are those of the whole', {
  skip: noRecordings,
  timeout: 60_000,
}, () => {
  const sections = captureSections(
    recorded('nvidia-smi/linux-x86_64__nvidia-h100-mig__590.48.01.txt'),
  );
  const text = sections.get('load :: query (-q)')!;
  const whole = new Map(knownFacts(parseNvidiaSmi(text)).map((leaf) => [leaf.path, leaf.value]));
  for (let length = 0; length < text.length; length += 101) {
    for (const { path, value } of knownFacts(parseNvidiaSmi(text.slice(0, length)))) {
      // Sums and lists grow with the lines that are there, and the mean power stands for the present one
      // that follows it; a text without closing tags cannot show it.
      if (/\/ecc\/|throttledBy|processes$|drawMilliwatts/.test(path)) continue;
      assert.deepEqual(value, whole.get(path), `${path} at ${length}`);
    }
  }
});

test('a report without its digits has no figures', { skip: noRecordings }, () => {
  const text = recorded('nvidia-smi/dual_2070-v13.xml').replaceAll(
    />([^<]*)</g,
    (_, inner: string) => `>${inner.replaceAll(/\d/g, '?')}<`,
  );
  for (const { path, value } of knownFacts(parseNvidiaSmi(text))) {
    // Counting devices in the report, and adding up what is there, needs no figure of it.
    if (/\/index$/.test(path)) continue;
    assert.notEqual(typeof value, 'number', path);
  }
});

test('XML: no entity expands, nothing nests without end, and a tag that is not closed has no text', () => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;&amp;&#65;</x>`;
  assert.deepEqual(parseXml(bomb).root?.text, '&b;&A');
  assert.match(parseXml('<a>'.repeat(1000)).problem ?? '', /too deep/);
  assert.deepEqual(
    parseXml('<a><b>12').root?.children.map((b) => [b.text, b.complete]),
    [['', false]],
  );
  assert.equal(parseXml('<a><![CDATA[<b>]]></a>').root?.text, '<b>');
  assert.equal(parseXml('<a><!-- > --><b/></a>').root?.children.length, 1);
  assert.match(parseXml('<a></b>').problem ?? '', /closes nothing/);
  assert.equal(parseXml('').root, undefined);
});
