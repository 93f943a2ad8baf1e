import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datasheetFacts, datasheetOf, datasheets } from '../../src/inventory/datasheets.ts';

/** Golden figures of the reference (domain.md §3.6): model, dense FP16 TFLOPS, GB, GB/s, W. */
const golden: readonly (readonly [string, number, number, number, number | undefined])[] = [
  ['V100 SXM2 16GB', 125, 16, 900, 300],
  ['V100 SXM2 32GB', 125, 32, 900, 300],
  ['A100 SXM4 40GB', 312, 40, 1555, 400],
  ['A100 SXM4 80GB', 312, 80, 2039, 400],
  ['H100 SXM5 80GB', 989, 80, 3350, 700],
  ['H200 SXM 141GB', 989, 141, 4800, 700],
  ['B200 180GB', 2250, 180, 8000, 1000],
  ['MI300X', 1307.4, 192, 5300, 750],
  ['L40S', 362, 48, 864, 350],
  ['T4', 65, 16, 320, 70],
  ['TPU v4', 275, 32, 1200, 192],
  ['TPU v5e', 197, 16, 819, undefined],
  ['TPU v5p', 459, 95, 2765, undefined],
];
for (const [model, tflops, gb, rate, watts] of golden) {
  test(`the datasheet of ${model}`, () => {
    const sheet = datasheetOf(model);
    assert.deepEqual(
      [sheet?.fp16Tflops, sheet?.memoryBytes, sheet?.memoryBytesPerSecond, sheet?.tdpWatts],
      [tflops, gb * 1e9, rate * 1e9, watts],
    );
  });
}

const names: Record<string, string | undefined> = {
  'NVIDIA H100 80GB HBM3': 'H100 SXM5 80GB',
  'NVIDIA H100 PCIe': 'H100 PCIe 80GB',
  'NVIDIA H100 NVL': 'H100 NVL 94GB',
  'NVIDIA A100-SXM4-80GB': 'A100 SXM4 80GB',
  'NVIDIA A100 80GB PCIe': 'A100 PCIe 80GB',
  'Tesla V100-SXM2-32GB': 'V100 SXM2 32GB',
  'Tesla T4': 'T4',
  'NVIDIA L40S': 'L40S',
  'NVIDIA L40': 'L40',
  'NVIDIA L4': 'L4',
  'NVIDIA GeForce RTX 3080': 'RTX 3080',
  'NVIDIA GeForce RTX 3080 Ti': undefined,
  'NVIDIA GeForce RTX 2070 SUPER': undefined,
  'Arcturus GL-XL [Instinct MI100]': 'MI100',
  'AMD Instinct MI300X': 'MI300X',
  'NVIDIA H200': 'H200 SXM 141GB',
  'NVIDIA H200 NVL': 'H200 NVL 141GB',
  'Some GPU of tomorrow': undefined,
  '': undefined,
};
for (const [name, want] of Object.entries(names)) {
  test(`a driver's "${name}" is ${want ?? 'in no datasheet'}`, () => {
    assert.equal(datasheetOf(name)?.model, want);
  });
}

test('every row has a source, and figures of one order with its neighbours', () => {
  for (const sheet of datasheets) {
    assert.match(sheet.source, /\d{4}/, sheet.model);
    const { memoryBytesPerSecond: rate, fp16Tflops, fp32Tflops, memoryBytes } = sheet;
    assert.ok(rate === undefined || (rate > 1e11 && rate < 1e13), sheet.model);
    assert.ok(memoryBytes === undefined || (memoryBytes >= 8e9 && memoryBytes < 5e11), sheet.model);
    // Matrix units are at least twice as fast as the others; a sparse figure would be another factor of 2.
    if (fp16Tflops !== undefined && fp32Tflops !== undefined) {
      assert.ok(fp16Tflops / fp32Tflops >= 1.9 && fp16Tflops / fp32Tflops <= 32, sheet.model);
    }
    assert.equal(datasheetOf(sheet.model), sheet, `${sheet.model} is found by its own name`);
  }
});

test('facts of a datasheet say so; those of an unknown part stay unknown', () => {
  assert.deepEqual(datasheetFacts('NVIDIA L4').tdpWatts, {
    known: true,
    value: 72,
    source: 'datasheet',
  });
  assert.equal(datasheetFacts('NVIDIA L4').fabricBytesPerSecond.known, false);
  assert.equal(datasheetFacts(undefined).fp16Tflops.known, false);
});

test('rent is a dated range', () => {
  const rented = datasheets.filter((sheet) => sheet.rent !== undefined);
  assert.equal(rented.length, 11);
  for (const { rent, model } of rented) {
    assert.ok(rent!.lowDollarsPerHour <= rent!.highDollarsPerHour, model);
    assert.match(rent!.asOf, /^20\d\d-\d\d$/);
  }
});
