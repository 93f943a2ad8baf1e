import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { UNLIMITED } from '../../src/base/units.ts';
import {
  type Parsed,
  parseBitRate,
  parseBytes,
  parseClockTime,
  parseCpu,
  parseDollars,
  parseFactor,
  parseGpu,
  parsePercent,
  parseSpan,
  printBitRate,
  printBytes,
  printClockTime,
  printCpu,
  printDollars,
  printFactor,
  printGpu,
  printPercent,
  printSpan,
} from '../../src/spec/quantities.ts';

interface Quantity {
  readonly parse: (text: string) => Parsed<number>;
  readonly print: (value: number) => string;
  /** Text, its value, and how that is printed. */
  readonly good: readonly (readonly [text: string, value: number, printed: string])[];
  /** Text, and what the message must say. */
  readonly bad: readonly (readonly [text: string, message: RegExp])[];
  readonly values: fc.Arbitrary<number>;
}

const Gi = 1024 ** 3;
const upTo = (max: number) => fc.integer({ min: 0, max });
/** The printers take branded numbers; the test hands them plain ones. */
const printing = (print: (value: never) => string): ((value: number) => string) => {
  const plain: unknown = print;
  return plain as (value: number) => string;
};

const quantities: Record<string, Quantity> = {
  cpu: {
    parse: parseCpu,
    print: printing(printCpu),
    good: [
      ['500m', 500, '0.5'],
      ['0.5', 500, '0.5'],
      ['2', 2000, '2'],
      ['.25', 250, '0.25'],
      ['1500m', 1500, '1.5'],
      [' 4 ', 4000, '4'],
      ['1e1', 10_000, '10'],
      ['0.1', 100, '0.1'],
      ['0.0001', 1, '0.001'],
      ['0.0000', 0, '0'],
      ['unlimited', UNLIMITED, 'unlimited'],
    ],
    bad: [
      ['-1', /"-1" is below the range; 0 to 1000000 cores/],
      ['1000001', /is above the range; 0 to 1000000 cores/],
      ['1e30', /is above the range/],
      ['1e999', /is above the range/],
      ['NaN', /"NaN" is not an amount of CPU/],
      ['Infinity', /is not an amount of CPU/],
      ['', /"" is not an amount/],
      ['two', /is not an amount/],
      ['2 cores', /unknown unit "cores" in "2cores"/],
      ['1,5', /is not an amount of CPU/],
      ['0x10', /is not an amount of CPU/],
      ['1.2.3', /is not an amount|unknown unit/],
    ],
    values: upTo(1_000_000_000),
  },
  gpu: {
    parse: parseGpu,
    print: printing(printGpu),
    good: [
      ['1', 1000, '1'],
      ['0.5', 500, '0.5'],
      ['500m', 500, '0.5'],
      ['8', 8000, '8'],
      ['0', 0, '0'],
    ],
    bad: [
      ['1.5', /"1.5" GPUs cannot be given out; a share of one device below 1, or whole devices/],
      ['-1', /below the range/],
      ['a100', /is not an amount of GPU/],
    ],
    values: fc.oneof(
      upTo(1000),
      upTo(1_000_000).map((n) => n * 1000),
    ),
  },
  bytes: {
    parse: parseBytes,
    print: printing(printBytes),
    good: [
      ['4Gi', 4 * Gi, '4Gi'],
      ['16GB', 16e9, '16GB'],
      ['16G', 16e9, '16GB'],
      ['512Mi', 512 * 1024 ** 2, '512Mi'],
      ['512MiB', 512 * 1024 ** 2, '512Mi'],
      ['1.5Gi', 1.5 * Gi, '1536Mi'],
      ['4096', 4096, '4Ki'],
      ['4095', 4095, '4095'],
      ['1Ti', 1024 * Gi, '1Ti'],
      ['100Mi', 100 * 1024 ** 2, '100Mi'],
      ['10k', 10_000, '10kB'],
      ['10KB', 10_000, '10kB'],
      ['1e3', 1000, '1kB'],
      ['1P', 1e15, '1PB'],
      ['0', 0, '0'],
      ['12 B', 12, '12'],
      ['0.1Gi', 107_374_183, '107374183'],
      ['8Pi', UNLIMITED, 'unlimited'],
      ['16Ei', UNLIMITED, 'unlimited'],
    ],
    bad: [
      ['-1Gi', /"-1Gi" is below the range; 0 to 16Ei/],
      ['17Ei', /above the range; 0 to 16Ei/],
      [`1${'0'.repeat(30)}`, /above the range/],
      ['512m', /"m" in "512m" would mean thousandths of a byte.*512Mi/],
      ['16gb', /unknown unit "gb" in "16gb".*16GB/],
      ['16g', /unknown unit "g".*16Gi/],
      ['4gi', /unknown unit.*4Gi/],
      ['4Gi4Mi', /is not an amount of bytes/],
      ['four', /is not an amount of bytes/],
      ['.Gi', /is not an amount of bytes/],
      ['constructor', /is not an amount of bytes/],
      ['1constructor', /unknown unit/],
      ['1'.repeat(2000), /is not an amount of bytes/],
    ],
    values: fc.oneof(
      fc.integer({ min: 0, max: UNLIMITED }),
      upTo(8000).map((n) => n * Gi),
      upTo(8000).map((n) => n * 1e9),
    ),
  },
  'bit rate': {
    parse: parseBitRate,
    print: printing(printBitRate),
    good: [
      ['100Mbps', 100e6, '100Mbps'],
      ['1Gbps', 1e9, '1Gbps'],
      ['1.5kbps', 1500, '1500bps'],
      ['12', 12, '12bps'],
      ['0', 0, '0'],
    ],
    bad: [
      ['10MBps', /unknown unit "MBps"/],
      ['10mbps', /unknown unit.*10Mbps/],
      ['-1Mbps', /below the range/],
      ['1e30', /above the range/],
    ],
    values: fc.integer({ min: 0, max: UNLIMITED }),
  },
  span: {
    parse: parseSpan,
    print: printing(printSpan),
    good: [
      ['90s', 90_000, '1m30s'],
      ['1h30m', 5_400_000, '1h30m'],
      ['250ms', 250, '250ms'],
      ['2d', 172_800_000, '2d'],
      ['300', 300_000, '5m'],
      ['0.5', 500, '500ms'],
      ['1.5h', 5_400_000, '1h30m'],
      ['1m1.5s', 61_500, '1m1.5s'],
      ['0', 0, '0s'],
      ['unlimited', UNLIMITED, 'unlimited'],
    ],
    bad: [
      ['-30', /"-30" is below the range; 0 to 36500d/],
      ['-5m', /below the range/],
      ['36501d', /above the range; 0 to 36500d/],
      ['1e30', /above the range/],
      ['30m1h', /is not a span of time; d, h, m, s, ms, in this order/],
      ['1h1h', /is not a span of time/],
      ['5min', /unknown unit "min" in "5min"/],
      ['1h30', /is not a span of time/],
      ['', /is not a span of time/],
      ['soon', /is not a span of time/],
      ['NaN', /is not a span of time/],
      ['1h '.repeat(50), /is not a span of time/],
    ],
    values: upTo(36_500 * 86_400_000),
  },
  'time of day': {
    parse: parseClockTime,
    print: printClockTime,
    good: [
      ['22:00', 1320, '22:00'],
      ['6:05', 365, '06:05'],
      ['00:00', 0, '00:00'],
      ['23:59', 1439, '23:59'],
    ],
    bad: [
      ['24:00', /"24:00" is not a time of day; 00:00 to 23:59/],
      ['12:60', /is not a time of day/],
      ['1320', /is not a time of day/],
      ['-1:00', /is not a time of day/],
    ],
    values: upTo(1439),
  },
  dollars: {
    parse: parseDollars,
    print: printing(printDollars),
    good: [
      ['50.00', 50_000_000, '50.00'],
      ['5', 5_000_000, '5.00'],
      ['$0.1', 100_000, '0.10'],
      ['0.000001', 1, '0.000001'],
      ['0.0000001', 1, '0.000001'],
    ],
    bad: [
      ['-5', /below the range/],
      ['5 EUR', /unknown unit "EUR"/],
      ['1e30', /above the range/],
    ],
    values: upTo(1e15),
  },
  percent: {
    parse: parsePercent,
    print: printing(printPercent),
    good: [
      ['50%', 5000, '50%'],
      ['12.5%', 1250, '12.5%'],
      ['200%', 20_000, '200%'],
      ['0.01%', 1, '0.01%'],
    ],
    bad: [
      ['50', /"50" has no unit.*50%/],
      ['-1%', /below the range/],
      ['10001%', /above the range; 0% to 10000%/],
    ],
    values: upTo(1_000_000),
  },
  factor: {
    parse: parseFactor,
    print: printing(printFactor),
    good: [
      ['1.5', 15_000, '1.5'],
      ['2', 20_000, '2'],
    ],
    bad: [
      ['101', /above the range; 0 to 100/],
      ['1.5x', /unknown unit "x"/],
    ],
    values: upTo(1_000_000),
  },
};

for (const [name, { parse, print, good, bad, values }] of Object.entries(quantities)) {
  describe(name, () => {
    for (const [text, value, printed] of good) {
      test(`${JSON.stringify(text)} is ${value}, printed ${printed}`, () => {
        assert.deepEqual(parse(text), { ok: true, value });
        assert.equal(print(value), printed);
      });
    }
    for (const [text, message] of bad) {
      test(`${JSON.stringify(text.slice(0, 20))} is refused: ${message.source}`, () => {
        const parsed = parse(text);
        assert.ok(!parsed.ok);
        assert.match(`${parsed.message}; ${parsed.expected}; ${parsed.suggestion}`, message);
        assert.ok(parsed.message.length < 100);
      });
    }
    test('what is printed reads back as the same amount', () => {
      fc.assert(
        fc.property(values, (value) => {
          assert.deepEqual(parse(print(value)), { ok: true, value });
        }),
      );
    });
    test('any text is an amount that prints canonically, or a message', () => {
      const digits = fc.stringMatching(/^[-+]?[0-9]{0,9}[.:]?[0-9]{0,9}(e[0-9]{1,3})?$/);
      const units = fc.constantFrom('', 'm', 'Gi', 'GB', 'Mbps', 's', 'h5m', '%', ' k', 'zz');
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string(),
            fc.tuple(digits, units).map((t) => t.join('')),
          ),
          (text) => {
            const parsed = parse(text);
            if (!parsed.ok) return assert.notEqual(parsed.message, '');
            const { value } = parsed;
            assert.ok(Number.isSafeInteger(value) && value >= 0);
            const printed = print(value);
            const again = parse(printed);
            assert.ok(again.ok);
            assert.equal(print(again.value), printed);
          },
        ),
      );
    });
  });
}

test('decimal fractions of large units are exact, never rounded through a float', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 7999 }), upTo(999_999), (whole, millionths) => {
      const text = `${whole}.${String(millionths).padStart(6, '0')}`;
      const want = (BigInt(whole) * 1_000_000n + BigInt(millionths)) * 1_000_000n;
      assert.deepEqual(parseBytes(`${text}TB`), { ok: true, value: Number(want) });
    }),
  );
});
