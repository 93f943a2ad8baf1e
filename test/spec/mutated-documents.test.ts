import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { type ParsedDocument, parseDocument } from '../../src/spec/parse-document.ts';
import { isSiteDocument } from '../../src/spec/site-document.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 200);
const TEST_MS = 60_000 + 50 * RUNS;
const seeds = join(process.env['BERTH_DATA'] ?? '../shared/data', '..', 'seeds');
const seed = join(seeds, '002_3a0c3142ae9171bd.txt');

type Path = readonly (string | number)[];

/** Whose keys are free, or whose content nothing looks at yet. */
const free = /(^|\.)(env|labels|vars|with|matrix|each|custom|rate_limiting)(\.|$)/;

/** One of each block that a pipeline may have, with values that are right. */
const full = {
  vars: { shards: 3, model: 'small' },
  name: 'full',
  priority: 3,
  actions: { mine: { run: ['echo'], with: { a: { type: 'number', default: 3 } } } },
  pipeline: {
    resource_limits: {
      max_execution_time: 3600,
      max_memory: '32Gi',
      max_cpu: 8,
      max_concurrent_tasks: 20,
      max_retries: 3,
      cost_limits: { max_cost: 50, max_model_calls: 1000, max_tokens: 1_000_000 },
    },
  },
  resource_requirements: {
    class: 'guaranteed',
    compute: { cpu: 8, memory: '32Gi', gpu: 2 },
    storage: { workspace: '100Gi', cache: '50Gi' },
    network: { priority: 'high', bandwidth_guarantee: '100Mbps' },
    use_spot_instances: true,
    cost_controls: {
      max_hourly_cost: 10,
      prefer_cached_results: true,
      model_selection: 'cost_optimized',
    },
  },
  optimization: {
    parallel_tasks: 10,
    gpu_scheduling: 'exclusive',
    cache_strategy: 'aggressive',
    batching: { enabled: true, wait_time: 60, max_batch: 1000 },
    caching: { enabled: true, share_across_users: true },
    scheduling: { preferred_hours: 'off_peak', max_wait_time: 3600 },
  },
  cost_optimization: {
    strategies: {
      model_selection: { enabled: true, prefer_cheaper_models: true, quality_threshold: 0.9 },
      caching: { enabled: true, cache_expensive_operations: true, ttl: 3600 },
      batching: { enabled: true, wait_time: 5, max_batch_size: 100 },
      resource_packing: { enabled: true, bin_packing_algorithm: 'first_fit_decreasing' },
    },
  },
  steps: [
    { id: 'a', action: 'mine', with: { a: 1 }, resources: { cpu: 0.5, memory: '512Mi' } },
    {
      id: 'b',
      needs: ['a'],
      if: "steps.a.state == 'succeeded'",
      on_failure: 'continue',
      run: ['echo', '${{ matrix.x }}', '${{ steps.a.outputs.n }}'],
      matrix: { x: [1, 2], exclude: [{ x: 2 }] },
      cache: { ttl: 60, share: 'tenant', inputs: ['in'], artefacts: ['out'], key: 'k' },
    },
    {
      id: 'c',
      parallel: {
        max_workers: 10,
        tasks: [{ action: 'process_data_shard', resources: { cpu: 2, memory: '8Gi', gpu: 0.5 } }],
      },
    },
    {
      id: 'd',
      action: 'search_web',
      with: { url: 'http://localhost/?q={query}', query: '${{ vars.model }}' },
      resource_limits: { timeout: 30, max_results: 100, max_retries: 2 },
      each: { items: '${{ vars.shards > 2 ? [1, 2] : [1] }}', max: 10 },
    },
  ],
};

const scaled = {
  name: 'scaled',
  run: 'serve',
  service: { replicas: 2 },
  autoscaling: {
    enabled: true,
    metrics: [
      { type: 'cpu', target: 70 },
      { type: 'queue_depth', target: 50, queue: 'jobs' },
      { type: 'custom', name: 'inbox', target: 1.5, file: 'state/inbox' },
      { type: 'custom', name: 'now', target: 10, url: 'http://127.0.0.1:8080/now' },
    ],
    scaling_policy: {
      min_replicas: 0,
      max_replicas: 20,
      scale_up: { increment: 2, cooldown: 60 },
      scale_down: { decrement: 1, cooldown: '5m' },
    },
  },
};

interface Place {
  readonly path: Path;
  readonly value: unknown;
}

function places(value: unknown, path: Path = []): Place[] {
  const below =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, item]) =>
          places(item, [...path, Array.isArray(value) ? Number(key) : key]),
        )
      : [];
  return path.length === 0 ? below : [{ path, value }, ...below];
}

/** A copy with what is at `path` replaced; where `path` is new, added. */
function replaced(document: unknown, path: Path, value: unknown): unknown {
  const copy = structuredClone(document);
  let here = copy as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) here = here[part] as typeof here;
  here[path.at(-1)!] = value;
  return copy;
}

const isMap = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Nothing thrown, and every error has a place within the text. */
function checkPlaces(result: ParsedDocument, text: string): void {
  const issues = result.ok ? result.warnings : result.issues;
  assert.ok(result.ok || issues.length > 0);
  const lines = text.split('\n');
  for (const { line, column, endColumn, message } of issues) {
    assert.ok(line >= 1 && line <= lines.length, message);
    assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1 && endColumn > column, message);
  }
}

/** Whether an error is told of what is at `path`, of something in it, or of what it is in. */
function isTold(result: ParsedDocument, path: Path): boolean {
  return (
    !result.ok &&
    result.issues.some((issue) =>
      issue.path.every((part, i) => i >= path.length || String(part) === String(path[i])),
    )
  );
}

const wrongTypes = fc.constantFrom<unknown>({ zzq: 1 }, [[{ zzq: 1 }]], { zzq: [] });
const impossible = fc.constantFrom<unknown>(
  -1,
  -7.5,
  '',
  'nonsense of a value',
  1e300,
  null,
  '\u0000',
);

function check(document: Record<string, unknown>): void {
  const all = places(document);
  const text = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false });
  const read = (value: unknown): [ParsedDocument, string] => {
    const written = text(value);
    const result = parseDocument(written, { fileName: 'm.yaml' });
    checkPlaces(result, written);
    return [result, written];
  };
  const strict = all.filter(({ path }) => !free.test(path.join('.')));
  const maps = strict.filter(({ value }) => isMap(value));
  if (maps.length > 0) {
    fc.assert(
      fc.property(fc.constantFrom(...maps), ({ path }) => {
        const at = [...path, 'zzq_unknown'];
        const [result, written] = read(replaced(document, at, 1));
        assert.ok(isTold(result, at), `${path.join('.')} takes an unknown key\n${written}`);
      }),
      { numRuns: Math.min(RUNS, maps.length * 4) },
    );
  }
  fc.assert(
    fc.property(fc.constantFrom(...strict), wrongTypes, ({ path }, value) => {
      const [result, written] = read(replaced(document, path, value));
      assert.ok(isTold(result, path), `${path.join('.')} takes any type\n${written}`);
    }),
    { numRuns: Math.min(RUNS, strict.length * 3) },
  );
  fc.assert(
    fc.property(fc.constantFrom(...all), impossible, ({ path }, value) => {
      read(replaced(document, path, value));
    }),
    { numRuns: RUNS },
  );
}

describe('documents with one mistake', { timeout: TEST_MS }, () => {
  test('the document without it is right', () => {
    const result = parseDocument(stringify(full), { fileName: 'm.yaml' });
    assert.deepEqual(result.ok ? [] : result.issues, []);
  });
  test('any block of it', () => check(full));
  test('any block of a service that is autoscaled', () => check(scaled));
});

/** The YAML blocks of the vocabulary, without their indentation. */
function blocksOf(text: string): string[] {
  return text
    .split('.. code-block:: yaml\n')
    .slice(1)
    .map((after) => {
      const lines: string[] = [];
      for (const line of after.split('\n')) {
        if (line.trim() !== '' && !line.startsWith('   ')) break;
        lines.push(line.slice(3));
      }
      return lines.join('\n').trim();
    });
}

/** Top-level keys that documents check key by key. */
const checked = [
  'steps',
  'pipeline',
  'resource_requirements',
  'optimization',
  'cost_optimization',
  'autoscaling',
];

describe('every block of the vocabulary that is about a pipeline', {
  skip: existsSync(seed) ? false : `${seed} is not here`,
  timeout: TEST_MS,
}, () => {
  const blocks = existsSync(seed) ? blocksOf(readFileSync(seed, 'utf8')) : [];
  const own = blocks
    .map((text): Record<string, unknown> => parse(text))
    .filter((block) => Object.keys(block).some((key) => checked.includes(key)));
  test('there are such blocks', () => assert.ok(own.length >= 6));
  own.forEach((block) => {
    const runs = 'steps' in block ? block : { ...block, steps: [{ id: 'x', run: 'true' }] };
    const keys = Object.keys(block).join(', ');
    test(`${keys}: is right as it is written`, () => {
      const text = stringify(runs);
      assert.equal(isSiteDocument(text, { fileName: 'm.yaml' }), false);
      const result = parseDocument(text, { fileName: 'm.yaml' });
      assert.deepEqual(result.ok ? [] : result.issues, []);
    });
    test(`${keys}: with one mistake`, () => check(runs));
  });
});
