import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import {
  parseCpuTicks,
  parseLoad1,
  parseMemory,
  parsePressure,
} from '../../src/telemetry/proc-counters.ts';
import {
  type HostSample,
  parseReading,
  READING_FILES,
  type ReadingFile,
  sampleHost,
} from '../../src/telemetry/sample-host.ts';
import { nodeExporter, otherProc, recordedProc, withoutData } from './host-data.ts';

const recorded = (name: string) => readFileSync(join(recordedProc, name), 'latin1');

/** The value that node_exporter gives for the same tree. */
function exported(metric: string): number {
  const text = readFileSync(join(nodeExporter, 'e2e-output.txt'), 'utf8');
  const line = text.split('\n').find((l) => l.startsWith(`${metric} `));
  assert.ok(line !== undefined, `${metric} is not in the expected output`);
  return Number(line.split(' ')[1]);
}

test('a recorded host reads as node_exporter reads it', { skip: withoutData }, () => {
  const memory = parseMemory(recorded('meminfo'));
  assert.equal(memory.totalBytes, exported('node_memory_MemTotal_bytes'));
  assert.equal(memory.swapTotalBytes, exported('node_memory_SwapTotal_bytes'));
  assert.equal(memory.swapFreeBytes, exported('node_memory_SwapFree_bytes'));
  assert.equal(parseLoad1(recorded('loadavg')), exported('node_load1'));
  const micros = (metric: string) => Math.round(exported(metric) * 1e6);
  const cpu = parsePressure(recorded('pressure/cpu'));
  assert.equal(cpu.someUs, micros('node_pressure_cpu_waiting_seconds_total'));
  const io = parsePressure(recorded('pressure/io'));
  assert.equal(io.fullUs, micros('node_pressure_io_stalled_seconds_total'));
  assert.deepEqual(parseCpuTicks(recorded('stat')), {
    busy: 301854 + 612 + 111922 + 2 + 3944,
    idle: 8979004 + 3552,
    stolen: 0,
  });
});

test('a second recorded host reads too', { skip: withoutData }, () => {
  const text = (name: string) => readFileSync(join(otherProc, name), 'latin1');
  assert.deepEqual(parseCpuTicks(text('stat')), {
    busy: 6002 + 152 + 8398 + 1174,
    idle: 3444436 + 448,
    stolen: 0,
  });
  const memory = parseMemory(text('meminfo'));
  assert.ok(memory.totalBytes !== undefined && memory.availableBytes !== undefined);
  assert.ok(memory.availableBytes < memory.totalBytes);
});

test('of a file that is cut anywhere, what is still known is right', { skip: withoutData }, () => {
  for (const name of READING_FILES) {
    const whole = recorded(name).slice(0, 3000);
    const full = parseReading(timeMs(0), 0, { [name]: whole });
    for (let length = 0; length < whole.length; length++) {
      const part = parseReading(timeMs(0), 0, { [name]: whole.slice(0, length) });
      assertKnownIsEqual(part, full, `${name} cut at ${length}`);
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
    if (value === undefined) continue;
    assert.ok(typeof full === 'object' && full !== null, where);
    assertKnownIsEqual(value, Reflect.get(full, key), `${where}: ${key}`);
  }
}

const STAT = (user: number, idle: number, stolen = 0) =>
  `cpu  ${user} 0 0 ${idle} 0 0 0 ${stolen} 0 0\ncpu0 ${user} 0 0 ${idle} 0 0 0 0 0 0\n`;
const MEMINFO = (total: number, available: number) =>
  `MemTotal:  ${total} kB\nMemFree:  1 kB\nMemAvailable:  ${available} kB\nSwapTotal: 8 kB\nSwapFree: 2 kB\n`;
const PRESSURE = (some: number, full: number) =>
  `some avg10=0.00 avg60=0.00 avg300=0.00 total=${some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=${full}\n`;

type Texts = Partial<Record<ReadingFile, string>>;

const cases: Record<string, { before: Texts; after: Texts; want: Partial<HostSample> }> = {
  'a quarter busy, a tenth stolen': {
    before: { stat: STAT(1000, 5000) },
    after: { stat: STAT(1050, 5130, 20) },
    want: { cpuBusyRatio: 0.25, cpuStolenRatio: 0.1 },
  },
  'a kernel that tells no stolen time apart': {
    before: { stat: 'cpu 1 0 0 1 0 0 0\n' },
    after: { stat: 'cpu 2 0 0 2 0 0 0\n' },
    want: { cpuBusyRatio: 0.5, cpuStolenRatio: 0 },
  },
  'counters that began anew say nothing': {
    before: { stat: STAT(1000, 5000), 'pressure/io': PRESSURE(500, 400) },
    after: { stat: STAT(10, 5100), 'pressure/io': PRESSURE(499, 399) },
    want: { cpuBusyRatio: undefined, cpuStolenRatio: undefined, ioPressureRatio: undefined },
  },
  'time that moves from iowait to idle is still idle': {
    before: { stat: 'cpu 0 0 0 100 50 0 0 0\n' },
    after: { stat: 'cpu 10 0 0 150 10 0 0 0\n' },
    want: { cpuBusyRatio: 0.5 },
  },
  'no ticks at all between two readings': {
    before: { stat: STAT(1000, 5000) },
    after: { stat: STAT(1000, 5000) },
    want: { cpuBusyRatio: undefined },
  },
  'pressure is the share of the time that passed': {
    before: { 'pressure/cpu': PRESSURE(7, 0), 'pressure/memory': PRESSURE(0, 0) },
    after: {
      'pressure/cpu': PRESSURE(500_007, 0),
      'pressure/memory': PRESSURE(2_000_100, 200_000),
    },
    want: { cpuPressureRatio: 0.25, memoryPressureRatio: 1, memoryStallRatio: 0.1 },
  },
  'a kernel without PSI, or a file that appears': {
    before: {},
    after: { 'pressure/memory': PRESSURE(5, 5) },
    want: {
      cpuPressureRatio: undefined,
      memoryPressureRatio: undefined,
      ioPressureRatio: undefined,
    },
  },
  'memory is what cannot be had without swapping': {
    before: {},
    after: { meminfo: MEMINFO(1000, 250) },
    want: { memoryTotalBytes: 1_024_000, memoryUsedBytes: 768_000, swapUsedBytes: 6144 },
  },
  'a kernel without MemAvailable: used is not guessed': {
    before: {},
    after: { meminfo: 'MemTotal: 1000 kB\nMemFree: 10 kB\n' },
    want: { memoryTotalBytes: 1_024_000, memoryUsedBytes: undefined, swapUsedBytes: undefined },
  },
  'more available than there is cannot be': {
    before: {},
    after: { meminfo: MEMINFO(1000, 1001) },
    want: { memoryUsedBytes: undefined },
  },
  'load is taken as it stands': {
    before: {},
    after: { loadavg: '12.25 0.37 0.39 1/719 19737\n' },
    want: { load1: 12.25 },
  },
};
for (const [name, tc] of Object.entries(cases)) {
  test(`two readings, 2 s apart: ${name}`, () => {
    const sample = sampleHost(
      parseReading(timeMs(5000), 100, tc.before),
      parseReading(timeMs(7000), 2100, tc.after),
    );
    for (const [key, want] of Object.entries(tc.want)) {
      assert.equal(Reflect.get(sample, key), want, key);
    }
    assert.equal(sample.at, 7000);
  });
}

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        'cpu ',
        'some avg10=',
        'full avg10=',
        ' total=',
        'MemTotal:',
        'MemAvailable:',
        ' kB',
        '\n',
        ' ',
        '-1',
        '1e9',
        '99999999999999999999',
        '0.00',
        '7',
        'NaN',
      ),
      { maxLength: 25 },
    )
    .map((words) => words.join('')),
);
const anyTexts = fc.record(Object.fromEntries(READING_FILES.map((name) => [name, noise])), {
  requiredKeys: [],
});

test('garbage never throws, and ratios stay ratios', () => {
  fc.assert(
    fc.property(anyTexts, anyTexts, fc.nat(), fc.nat(), (before, after, from, to) => {
      const sample = sampleHost(
        parseReading(timeMs(from), from, before),
        parseReading(timeMs(to), to, after),
      );
      for (const [key, value] of Object.entries(sample)) {
        if (value === undefined) continue;
        assert.ok(Number.isFinite(value) && value >= 0, `${key} is ${value}`);
        if (key.endsWith('Ratio')) assert.ok(value <= 1, `${key} is ${value}`);
        if (key.endsWith('Bytes')) assert.ok(Number.isSafeInteger(value), `${key} is ${value}`);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a number is never made up: it stands in the text', () => {
  fc.assert(
    fc.property(noise, (text) => {
      const { someUs, fullUs } = parsePressure(text);
      const { totalBytes } = parseMemory(text);
      for (const us of [someUs, fullUs]) if (us !== undefined) assert.ok(text.includes(`${us}`));
      if (totalBytes !== undefined) assert.ok(text.includes(`${totalBytes / 1024}`));
    }),
    { numRuns: 2000 },
  );
});
