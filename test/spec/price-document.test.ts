import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { importLitellm } from '../../src/spec/litellm-prices.ts';
import { isPriceDocument, parsePrices, writeModels } from '../../src/spec/price-document.ts';
import { dollars } from '../builders/money.ts';

const fileName = 'prices.yaml';
const parse = (text: string) => parsePrices(text, { fileName });
const validFrom = Date.parse('2026-01-01T00:00:00Z') as never;

test('the example is read as it is written', () => {
  const text = readFileSync(join(import.meta.dirname, '../../examples/prices.yaml'), 'utf8');
  const parsed = parse(text);
  assert.ok(parsed.ok);
  const [rates] = parsed.prices.prices.rates;
  assert.deepEqual(
    [rates?.validFrom, rates?.cpuHour, rates?.otherGpuHour, rates?.spotFactor, rates?.energy?.pue],
    [validFrom, 40_000, 1_200_000, 3_500, 14_000],
  );
  assert.deepEqual(parsed.prices.prices.models[0]?.input, 150_000);
});

const recognised: Record<string, [text: string, want: boolean]> = {
  prices: ['prices: []', true],
  'prices beside a key that nobody knows': ['prices: []\nreserve_fro: 1h', true],
  'models alone': ['models: []\nreserve_for: 1h', true],
  'models of a workload': ['models: {a: {}}\nrun: x', false],
  'models of a workload, with a mistake': ['models: []\nrun: x', false],
  'models of a site, with a mistake': ['models: []\nqueues: {a: }', false],
};
for (const [name, [text, want]] of Object.entries(recognised)) {
  test(`is it about prices? ${name}`, () =>
    assert.equal(isPriceDocument(text, { fileName }), want));
}

const wrong: Record<string, [text: string, want: string]> = {
  'a day that is none': [
    'prices:\n  - {valid_from: "2026-02-30", cpu_hour: 1}\n',
    '2:18 error: prices[0].valid_from: "2026-02-30" is not a date',
  ],
  'no day': [
    'prices:\n  - {cpu_hour: 1}\n',
    '2:6 error: prices[0].valid_from: the key `valid_from` is missing',
  ],
  'a misspelt key': ['prices:\n  - {valid_from: "2026-01-01", cpu_hours: 1}\n', 'cpu_hours'],
  'a price below nothing': [
    'prices:\n  - {valid_from: "2026-01-01", cpu_hour: -1}\n',
    '2:42 error: prices[0].cpu_hour',
  ],
  'the same day twice': [
    'prices:\n  - {valid_from: "2026-01-01"}\n  - {valid_from: "2026-01-01"}\n',
    '3:18 error: prices[1].valid_from: line 2 says it for this day, too',
  ],
  'a block of something else': ['steps: []\n', '1:1 error: steps: unknown key "steps"'],
  'a list': ['- 1\n', 'not a price document'],
  'too short a slice': ['reserve_for: 1s\n', '1:14 error: reserve_for: the span is out of range'],
};
for (const [name, [text, want]] of Object.entries(wrong)) {
  test(`an error is located: ${name}`, () => {
    const parsed = parse(text);
    assert.ok(!parsed.ok);
    const report = formatIssues(parsed.issues, text, 'p');
    assert.ok(report.includes(want), report);
  });
}

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => void parse(text)),
    { numRuns: 200 },
  );
});

const litellm = JSON.stringify({
  sample_spec: { input_cost_per_token: 0, note: 'explains the others' },
  'gpt-x': {
    input_cost_per_token: 2.5e-6,
    output_cost_per_token: '1e-05',
    cache_read_input_token_cost: 1.25e-6,
    input_cost_per_token_above_200k_tokens: 5e-6,
    max_input_tokens: '128000',
    litellm_provider: 'x',
    mode: 'chat',
  },
  'free-model': { input_cost_per_token: 0, output_cost_per_token: 0, litellm_provider: 'x' },
  'an-image': { output_cost_per_image: 0.04, mode: 'image_generation' },
  odd: { input_cost_per_token: 'ask us' },
  below: { input_cost_per_token: -1 },
});

test("LiteLLM's table is taken over, and what has no price of tokens is named", () => {
  const imported = importLitellm(litellm, { validFrom, source: 's' })!;
  assert.deepEqual(
    imported.models.map(({ model }) => model),
    ['free-model', 'gpt-x'],
  );
  const [free, known] = imported.models;
  assert.equal(free?.input, 0);
  assert.deepEqual(known, {
    model: 'gpt-x',
    provider: 'x',
    validFrom,
    input: dollars(2.5),
    output: dollars(10),
    cachedInput: dollars(1.25),
    above: { inputTokens: 200_000, input: dollars(5) },
    inputMax: 128_000,
    source: 's',
  });
  assert.deepEqual(
    imported.skipped.map(({ model }) => model),
    ['an-image', 'odd', 'below'],
  );
});

test('what is imported can be read as a price file', () => {
  const { models } = importLitellm(litellm, { validFrom, source: 's' })!;
  const parsed = parse(stringify({ models: writeModels(models) }));
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.prices.prices.models, models);
});

for (const text of ['', '[]', '{}', 'null', '{"a": 1}', '{"sample_spec": {}}', '{']) {
  test(`no table of LiteLLM: ${JSON.stringify(text)}`, () => {
    assert.equal(importLitellm(text, { validFrom, source: 's' }), undefined);
  });
}
