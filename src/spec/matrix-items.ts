import type { FlowValue } from '../model/flow.ts';
import { plainCopy } from './document-vars.ts';
import { ITEMS_MAX, type MatrixBlock } from './flow-schema.ts';
import type { Path, Problem } from './issue.ts';
import { shown } from './quantities.ts';

type Combination = Readonly<Record<string, FlowValue>>;

/** Characters of all items together, as JSON: they are journalled with the workload. */
const ITEMS_CHARACTERS_MAX = 1_048_576;

/** All combinations, the last list changing fastest; then what `include` adds. */
export function matrixItems(
  { include = [], exclude = [], ...axes }: MatrixBlock,
  path: Path,
  problems: Problem[],
): readonly Combination[] {
  const wrong = (at: Path, message: string, expected: string): readonly Combination[] => {
    problems.push({ path: at, message, expected });
    return [];
  };
  const names = Object.keys(axes);
  const total = names.reduce((product, name) => product * axes[name]!.length, 1);
  if (names.length === 0 && include.length === 0) {
    return wrong(path, 'the matrix is empty', 'lists by name');
  }
  if (total > ITEMS_MAX) {
    return wrong(path, `the matrix has ${total} combinations`, `at most ${ITEMS_MAX}`);
  }
  checkNames(names, { include, exclude }, path, problems);
  const excluded = exclude.map(copied);
  let found: Combination[] = names.length === 0 ? [] : [{}];
  for (const name of names) {
    const values = axes[name]!.map((value) => plainCopy(value) ?? null);
    found = found.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
  }
  found = found.filter((one) => !excluded.some((rule) => fits(one, rule, Object.keys(rule))));
  const added: Combination[] = [];
  for (const rule of include.map(copied)) {
    const shared = names.filter((name) => Object.hasOwn(rule, name));
    const isNew = !found.some((one) => fits(one, rule, shared));
    if (isNew) added.push(rule);
    else found = found.map((one) => (fits(one, rule, shared) ? { ...one, ...rule } : one));
  }
  const items = [...found, ...added];
  if (items.length === 0) return wrong(path, 'nothing of the matrix is left', 'a combination');
  return isSmall(items, path, problems) ? items : [];
}

/** Whether items are few and small enough to be kept; what is not is told. */
export function isSmall(items: readonly FlowValue[], path: Path, problems: Problem[]): boolean {
  const length = JSON.stringify(items).length;
  if (items.length <= ITEMS_MAX && length <= ITEMS_CHARACTERS_MAX) return true;
  const message =
    items.length > ITEMS_MAX ? `${items.length} items` : `the items have ${length} characters`;
  const expected = `at most ${items.length > ITEMS_MAX ? ITEMS_MAX : ITEMS_CHARACTERS_MAX}`;
  problems.push({ path, message, expected });
  return false;
}

function checkNames(
  names: readonly string[],
  rules: {
    readonly include: readonly Readonly<Record<string, unknown>>[];
    readonly exclude: readonly Readonly<Record<string, unknown>>[];
  },
  path: Path,
  problems: Problem[],
): void {
  for (const name of names) {
    if (/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) continue;
    const expected = 'letters, digits and _, beginning with a letter, at most 63';
    problems.push({
      path: [...path, name],
      message: `${shown(name)} is not a name`,
      expected,
      at: 'key',
    });
  }
  rules.exclude.forEach((rule, i) => {
    for (const name of Object.keys(rule)) {
      if (names.includes(name)) continue;
      const near = { word: name.slice(0, 64), words: names };
      const message = `the matrix has no list ${shown(name)}`;
      problems.push({ path: [...path, 'exclude', i, name], message, near, at: 'key' });
    }
  });
}

const copied = (rule: Readonly<Record<string, unknown>>): Combination =>
  Object.fromEntries(Object.entries(rule).map(([key, value]) => [key, plainCopy(value) ?? null]));

const fits = (one: Combination, rule: Combination, names: readonly string[]): boolean =>
  names.every((name) => JSON.stringify(one[name]) === JSON.stringify(rule[name]));
