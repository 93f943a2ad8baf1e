import { nearest } from '../base/nearest.ts';
import { splitTemplate } from '../expression/template.ts';
import type { CacheTerms, Each, FlowValue, StepFlow } from '../model/flow.ts';
import type { CacheDefaults } from './cache-defaults.ts';
import { findWritten, type Written } from './document-tree.ts';
import { plainCopy } from './document-vars.ts';
import type { ExpressionReading, ReadExpression, RuntimeVariable } from './expression-reading.ts';
import { escaped, type RuntimeTexts } from './fill-holes.ts';
import { type EachBlock, flowDefaults } from './flow-schema.ts';
import type { Path, Problem } from './issue.ts';
import { isSmall, matrixItems } from './matrix-items.ts';
import { shown } from './quantities.ts';
import type { StepBlock } from './step-schema.ts';
import type { StepUnit } from './step-units.ts';

/** What a step may name: the ids of all, and of groups those of their members. */
export interface StepNames {
  readonly ids: ReadonlySet<string>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** False when some step could not be read, and is missing from these. */
  readonly isComplete: boolean;
}

export interface FlowReading {
  readonly root: Written;
  readonly expressions: ExpressionReading;
  readonly runtimeTexts: RuntimeTexts;
  readonly cache: CacheDefaults;
  readonly names: StepNames;
  readonly problems: Problem[];
}

/** What a unit of a pipeline, or a job, says that is known only while it runs. */
export interface ReadFlow {
  readonly flow?: StepFlow;
  /** Of its list of items, as far as it is known; undefined where it has none. */
  readonly count?: number;
  /** The most that it may have. */
  readonly countMax?: number;
}

const parts = ['state', 'outputs', 'tasks'] as const;

export function readFlow(unit: StepUnit, reading: FlowReading): ReadFlow {
  const { block, path, outer, group } = unit;
  const shared = outer?.path ?? path;
  const condition = readCondition(unit, shared, reading);
  const each = readEach(block, path, unit, reading);
  const fan = { each: each !== undefined, matrix: block.matrix !== undefined };
  const texts = [
    ...reading.runtimeTexts.of(path),
    ...(outer === undefined ? [] : reading.runtimeTexts.of(outer.path)),
  ];
  for (const { expressions } of texts) {
    for (const expression of expressions) checkUse(expression, unit, fan, reading);
  }
  const holes = texts.some(({ path: at }) => isOf(at, ['run', 'env', 'with']));
  const cache = readCache(
    block,
    unit,
    texts.map(({ path: at }) => at),
    reading,
  );
  const onFailure = block.on_failure ?? 'fail';
  const count = each?.kind === 'items' ? each.items.length : each && 0;
  const countMax = each?.kind === 'expression' ? each.max : count;
  const counts = count === undefined ? {} : { count, countMax: countMax ?? count };
  const isPlain = [condition, each, cache, group].every((part) => part === undefined);
  if (isPlain && !holes && onFailure === 'fail') return counts;
  return {
    ...counts,
    flow: {
      ...(condition !== undefined && { condition }),
      ...(each && { each }),
      ...(holes && { holes }),
      onFailure,
      ...(group && { group }),
      ...(cache && { cache }),
    },
  };
}

/** Whether a path below a step is of one of these keys. */
function isOf(path: Path, keys: readonly string[]): boolean {
  const depth = path[0] === 'steps' ? (path[2] === 'parallel' && path[3] === 'tasks' ? 5 : 2) : 0;
  return keys.includes(String(path[depth]));
}

function readCondition(unit: StepUnit, path: Path, reading: FlowReading): string | undefined {
  const written = unit.block.if;
  if (written === undefined) return undefined;
  if (typeof written === 'boolean') return String(written);
  const read = readExpression(written, [...path, 'if'], reading);
  if (read === undefined) return undefined;
  checkUse(read, unit, { each: false, matrix: false }, reading);
  return read.source;
}

function readEach(
  block: StepBlock,
  path: Path,
  unit: StepUnit,
  reading: FlowReading,
): Each | undefined {
  const given = (['matrix', 'each', 'map'] as const).filter((key) => block[key] !== undefined);
  const [key, other] = given;
  if (other !== undefined) {
    const message = `\`${key}\` is given, too, and both say which tasks there are`;
    reading.problems.push({ path: [...path, other], message, at: 'key' });
  }
  if (key === undefined) return undefined;
  const hasCount =
    block.count !== undefined || findWritten(reading.root, [...path, 'parallel', 'count']);
  if (hasCount) {
    const message = `\`count\` is given, too, and both say how many tasks there are`;
    reading.problems.push({ path: [...path, key], message, at: 'key' });
  }
  if (key === 'matrix') {
    const items = matrixItems(block.matrix!, [...path, 'matrix'], reading.problems);
    return { kind: 'items', items };
  }
  const each: EachBlock = block[key]!;
  const isMap = typeof each === 'object' && !Array.isArray(each);
  const list = isMap ? each.items : each;
  const at = isMap ? [...path, key, 'items'] : [...path, key];
  const max = isMap ? each.max : undefined;
  if (typeof list !== 'string') return itemsOf(list, at, reading.problems);
  return readList(list, { path: at, max: max ?? flowDefaults.itemsMax, unit }, reading);
}

function itemsOf(list: readonly unknown[], path: Path, problems: Problem[]): Each {
  const items = list.map((item): FlowValue => plainCopy(item) ?? null);
  return { kind: 'items', items: isSmall(items, path, problems) ? items : [] };
}

/** A list that depends on variables alone is known now. */
function readList(
  written: string,
  { path, max, unit }: { readonly path: Path; readonly max: number; readonly unit: StepUnit },
  reading: FlowReading,
): Each | undefined {
  const read = readExpression(written, path, reading);
  if (read === undefined) return undefined;
  if (read.uses.size > 0) {
    checkUse(read, unit, { each: false, matrix: false }, reading);
    if (unit.block.gang !== undefined && unit.block.gang !== false) {
      const message = 'how many they are is known only when it runs, and a gang needs to know';
      reading.problems.push({ path, message, expected: 'a written list, or no `gang`' });
    }
    return { kind: 'expression', expression: read.source, max };
  }
  const result = read.expression.evaluate({ vars: reading.expressions.vars });
  const wrong = (message: string): undefined => {
    reading.expressions.report(read, message, { expected: 'an expression that gives a list' });
    return undefined;
  };
  if (!result.ok) return wrong(result.message);
  if (!isList(result.value)) return wrong('the expression gives no list');
  return itemsOf(result.value, path, reading.problems);
}

const isList = (value: FlowValue): value is readonly FlowValue[] => Array.isArray(value);

/** `${{ CEL }}` or `CEL`. */
function readExpression(
  written: string,
  path: Path,
  { root, expressions, problems }: FlowReading,
): ReadExpression | undefined {
  const range = findWritten(root, path)?.range ?? { start: 0, end: 0 };
  const pieces = written.includes('${{') ? splitTemplate(written.trim()) : undefined;
  const [only] = pieces ?? [];
  if (written.includes('${{') && (pieces?.length !== 1 || only?.kind !== 'hole')) {
    const message = 'text beside the hole: the whole is one expression';
    problems.push({ path, message, expected: 'CEL, with or without `${{ }}` around all of it' });
    return undefined;
  }
  const source = only?.kind === 'hole' ? only.expression : written.trim();
  return expressions.read({ source, path, range });
}

/** Steps that it names must have ended when it is evaluated; items are known to tasks of a list only. */
function checkUse(
  read: ReadExpression,
  unit: StepUnit,
  has: { readonly each: boolean; readonly matrix: boolean },
  reading: FlowReading,
): void {
  const report = (message: string, more: Partial<Problem> = {}): void =>
    reading.expressions.report(read, message, more);
  const atTask = (names: readonly RuntimeVariable[]): RuntimeVariable | undefined =>
    names.find((name) => read.uses.has(name));
  const missing = has.each && !has.matrix ? atTask(['matrix']) : undefined;
  const item = missing ?? (has.each ? undefined : atTask(['item', 'index', 'matrix']));
  if (item !== undefined) {
    const key = item === 'matrix' ? 'matrix' : 'each';
    report(`\`${item}\` is of a task, and known only to those that \`${key}\` makes`, {
      expected: `\`${key}\` in this step, and \`${item}\` in its \`env\`, \`with\` or list of \`run\``,
    });
  }
  if (!read.uses.has('steps')) return;
  for (const { names } of read.expression.names()) {
    if (names[0] === 'steps') checkStep(names, unit, report, reading.names);
  }
}

function checkStep(
  names: readonly string[],
  unit: StepUnit,
  report: (message: string, more?: Partial<Problem>) => void,
  { ids, groups, isComplete }: StepNames,
): void {
  const [, id, part] = names;
  if (id === undefined) {
    report('which step is meant is not written', { expected: '`steps.ID` with its id' });
    return;
  }
  const members = groups.get(id) ?? [id];
  if (!ids.has(members[0]!)) {
    if (!isComplete) return;
    const words = [...ids, ...groups.keys()];
    const guess = words.length <= 1000 ? nearest(id.slice(0, 64), words) : undefined;
    const dashed = words.find((word) => word.startsWith(`${id}-`));
    report(`no step has the id ${shown(id)}`, {
      suggestion: dashed === undefined ? guess : `steps['${dashed}']`,
    });
  } else if (!members.every((member) => unit.needs.includes(member))) {
    const what = members.includes(unit.id)
      ? 'it is this step itself'
      : 'this step does not need it';
    // Through another step is not enough: that one may go on, or be skipped, whatever became of this.
    report(`the step ${shown(id)} may not have ended: ${what}`, {
      expected: `\`needs: [${id}]\``,
    });
  }
  if (part !== undefined && !parts.some((known) => known === part)) {
    const near = { word: part.slice(0, 64), words: parts };
    report(`a step has no ${shown(part)}`, { expected: parts.join(', '), near });
  }
}

function readCache(
  block: StepBlock,
  unit: StepUnit,
  runtimePaths: readonly Path[],
  { cache: defaults, root, problems }: FlowReading,
): CacheTerms | undefined {
  const said = block.cache;
  if (said === false) return undefined;
  const action = block.action === undefined ? undefined : defaults.actionNamed(block.action);
  const hasItems = (block.each ?? block.map ?? block.matrix) !== undefined;
  const isOn = action !== undefined && defaults.isOn(action, block.with ?? {}, hasItems);
  if (said === undefined && !isOn) return undefined;
  const own = typeof said === 'object' ? said : {};
  const at = unit.path;
  if (own.artefacts !== undefined && own.outputs !== undefined) {
    const message = '`artefacts` is given, too, and they are the same thing';
    problems.push({ path: [...at, 'cache', 'outputs'], message, at: 'key' });
  }
  const isRuntime = new Set(runtimePaths.map((path) => path.join('/')));
  const listed = (key: 'inputs' | 'artefacts' | 'outputs'): string[] =>
    (own[key] ?? []).map((text, i) => {
      const paths = [at, unit.outer?.path ?? at].map((path) => [...path, 'cache', key, i]);
      const found = paths.find((path) => findWritten(root, path) !== undefined) ?? paths[0]!;
      if (text.split('/').includes('..')) {
        const message = `${shown(text)} leaves the working folder`;
        problems.push({ path: found, message, expected: 'a path without ..' });
      }
      return paths.some((path) => isRuntime.has(path.join('/'))) ? text : escaped(text);
    });
  const files = action?.files(block.with ?? {}) ?? [];
  const keys = [at, unit.outer?.path ?? at].map((path) => [...path, 'cache', 'key'].join('/'));
  const key = own.key ?? '';
  return {
    ttlMs: own.ttl ?? defaults.ttlMs,
    sharedBy: own.share ?? defaults.sharedBy,
    inputs: [...new Set([...listed('inputs'), ...files])],
    artefacts: [...new Set([...listed('artefacts'), ...listed('outputs')])],
    salt: keys.some((path) => isRuntime.has(path)) ? key : escaped(key),
  };
}
