import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { costOf, hourlyRate, lastsMs, type Priced, tokenCost } from '../../src/admission/rates.ts';
import type { MicroDollars } from '../../src/base/units.ts';
import type { ModelPrice, Rates } from '../../src/model/money.ts';
import { dollars, HOUR, rates } from '../builders/money.ts';
import { GIB, resources } from '../builders/workload.ts';

const held = (amounts: Parameters<typeof resources>[0], more: Partial<Priced> = {}): Priced => ({
  held: resources({ cpu: 0, memory: 0, gpu: 0, ...amounts }),
  gpuModels: ['test'],
  storageBytes: 0,
  spot: false,
  ...more,
});

const cases: Record<
  string,
  { of: Priced; rates?: Partial<Rates>; want: number; unpriced?: string[] }
> = {
  'half a CPU': { of: held({ cpu: 500 }), want: 0.5 },
  'memory by the GiB': {
    of: held({ memory: 3 * GIB }),
    rates: { memoryHour: dollars(0.1) },
    want: 0.3,
  },
  'a share of a GPU by its model': { of: held({ gpu: 500 }), want: 1 },
  'another GPU': {
    of: held({ gpu: 1000 }, { gpuModels: ['T4'] }),
    rates: { otherGpuHour: dollars(0.25) },
    want: 0.25,
  },
  'a GPU without a price': {
    of: held({ cpu: 1000, gpu: 1000 }, { gpuModels: ['T4'] }),
    want: 1,
    unpriced: ['gpu T4'],
  },
  'the dearest of those it may get': {
    of: held({ gpu: 2000 }, { gpuModels: ['T4', 'test'] }),
    rates: { otherGpuHour: dollars(1) },
    want: 4,
  },
  'a spot node': {
    of: held({ cpu: 1000 }, { spot: true }),
    rates: { spotFactor: 3_500 as never },
    want: 0.35,
  },
  'storage of a month': {
    of: held({}, { storageBytes: 1000 * GIB }),
    rates: { storageMonth: dollars(0.7305) },
    want: 1,
  },
  'energy with the building': {
    of: held({ cpu: 10_000 }),
    rates: {
      cpuHour: dollars(0),
      energy: {
        kilowattHour: dollars(0.5),
        pue: 20_000 as never,
        wattsPerCpu: 100,
        wattsPerGib: 0,
        gpuWatts: {},
      },
    },
    want: 1,
  },
};
for (const [name, { of, rates: more, want, unpriced = [] }] of Object.entries(cases)) {
  test(`an hour of ${name}`, () => {
    assert.deepEqual(hourlyRate(of, { ...rates, ...more }), { perHour: dollars(want), unpriced });
  });
}

test('what has no price at all is named, not free', () => {
  const none = { validFrom: 0 as never, gpuHour: {} };
  const { perHour, unpriced } = hourlyRate(held({ cpu: 1, memory: 1, gpu: 1 }), none);
  assert.deepEqual([perHour, unpriced], [0, ['cpu', 'memory', 'gpu test']]);
});

test('amounts are rounded up once, and parts of a time never cost less than the whole', () => {
  fc.assert(
    fc.property(fc.nat(10 ** 9), fc.nat(10 ** 9), fc.nat(10 ** 9), (perHour, a, b) => {
      const rate = perHour as MicroDollars;
      const parts = costOf(rate, a) + costOf(rate, b);
      const whole = costOf(rate, a + b);
      assert.ok(parts >= whole && parts <= whole + 1);
      assert.ok(costOf(rate, lastsMs(whole, rate)) <= whole);
      assert.equal(costOf(rate, HOUR), perHour);
    }),
  );
});

const price: ModelPrice = {
  model: 'm',
  validFrom: 0 as never,
  input: dollars(2),
  output: dollars(8),
  cachedInput: dollars(0.5),
  above: { inputTokens: 1_000, input: dollars(4) },
  source: 't',
};
const calls: Record<
  string,
  { tokens: Parameters<typeof tokenCost>[1]; price?: ModelPrice; want: number | undefined }
> = {
  'in and out': { tokens: { input: 500, output: 100 }, want: 1_800 },
  'what was cached': { tokens: { input: 500, output: 0, cachedInput: 400 }, want: 400 },
  'a long context': { tokens: { input: 2_000, output: 0 }, want: 8_000 },
  'less than a micro-dollar': { tokens: { input: 1, output: 0, cachedInput: 1 }, want: 1 },
  'no price of output': {
    tokens: { input: 1, output: 1 },
    price: { model: 'm', validFrom: 0 as never, input: dollars(1), source: 't' },
    want: undefined,
  },
};
for (const [name, { tokens, price: own = price, want }] of Object.entries(calls)) {
  test(`a call: ${name}`, () => assert.equal(tokenCost(own, tokens), want));
}
