import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { families } from '../../src/telemetry/families.ts';

const shipped = (name: string): string =>
  readFileSync(new URL(`../../monitoring/${name}`, import.meta.url), 'utf8');

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly record?: string; readonly expr: string }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: {
      readonly x: number;
      readonly y: number;
      readonly w: number;
      readonly h: number;
    };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const ruleList = (parse(shipped('berth-rules.yml')) as Rules).groups.flatMap(({ rules }) => rules);
const { panels } = JSON.parse(shipped('berth-dashboard.json')) as Dashboard;
const recorded = new Set(ruleList.flatMap(({ record }) => record ?? []));
const labelsOf = new Map<string, readonly string[]>();
for (const { name, kind, labels } of families) {
  if (kind !== 'histogram') labelsOf.set(name, labels);
  else
    for (const part of ['bucket', 'sum', 'count'])
      labelsOf.set(`${name}_${part}`, [...labels, 'le']);
}

const words = new Set(
  'sum by le rate increase absent histogram_quantile avg and topk instance cause queue user status state tenant workload step'.split(
    ' ',
  ),
);

/** Names in an expression of PromQL, each with the labels that are asked of it. */
function selectors(expr: string): [name: string, labels: string[]][] {
  return [...expr.matchAll(/([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?/g)]
    .filter(([, name], i, all) => !words.has(name!) && !insideOf(all[i]!, expr))
    .map(([, name, inside = '']) => [
      name!,
      [...inside.matchAll(/(\w+)\s*[=!]/g)].map(([, l]) => l!),
    ]);
}

/** Within a range, a text, or a variable of Grafana. */
const insideOf = ({ index }: RegExpExecArray, expr: string): boolean =>
  /[[$"][^\]"]*$/.test(expr.slice(0, index).replaceAll(/\[[^\]]*\]|"[^"]*"/g, '')) ||
  /\d$/.test(expr.slice(0, index));

const expressions = [
  ...ruleList.map(({ expr }) => expr),
  ...panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? []),
];

test('every metric in them is in the catalogue, and has the labels that are asked of it', () => {
  let found = 0;
  for (const expr of expressions) {
    for (const [name, labels] of selectors(expr)) {
      found++;
      if (recorded.has(name)) continue;
      const known = labelsOf.get(name);
      assert.ok(known, `${name} in ${expr}`);
      // Of Prometheus itself.
      const own = [...known, 'instance', 'job'];
      for (const label of labels) assert.ok(own.includes(label), `${label} of ${name} in ${expr}`);
    }
  }
  assert.ok(found >= expressions.length, `${found} names in ${expressions.length} expressions`);
});

test('the checker itself tells of a name and of a label that there is not', () => {
  assert.deepEqual(
    selectors('sum by (queue) (rate(berth_x{state="a b", le!="1"}[5m])) / 2e3 > 0.5'),
    [['berth_x', ['state', 'le']]],
  );
});

test('counters are read by their rate, and gauges are not', () => {
  const kinds = new Map(families.map(({ name, kind }) => [name, kind]));
  for (const expr of expressions) {
    for (const [name] of selectors(expr)) {
      const isCounter = kinds.get(name) === 'counter' || /_(bucket|sum|count)$/.test(name);
      const isRated = new RegExp(`(rate|increase)\\(${name}\\b`).test(expr);
      assert.equal(isRated, isCounter, `${name} in ${expr}`);
    }
  }
});

test('legends name labels of what they show, and panels lie beside each other', () => {
  for (const { targets = [] } of panels) {
    for (const { expr, legendFormat } of targets) {
      const by = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ');
      const known = by ?? [...(labelsOf.get(selectors(expr)[0]![0]) ?? []), 'instance'];
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(known.includes(label!), `${label} in ${expr}`);
      }
    }
  }
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const {
    gridPos: { x, y, w, h },
    title,
  } of panels) {
    assert.ok(x + w <= 24, title);
    for (let i = x; i < x + w; i++) {
      for (let j = y; j < y + h; j++) {
        assert.ok(!taken.has(`${i} ${j}`), title);
        taken.add(`${i} ${j}`);
      }
    }
  }
});
