import { z } from 'zod';
import { fillTemplate, splitTemplate } from '../expression/template.ts';
import type { FlowValue } from '../model/flow.ts';
import { findWritten, readTree, type Written } from './document-tree.ts';
import type { Path, Problem } from './issue.ts';
import { formatOf, type IncludedFiles } from './join-includes.ts';
import { shown } from './quantities.ts';

export const VARS_MAX = 256;
const VALUE_CHARACTERS_MAX = 65_536;
const VALUE_DEPTH_MAX = 16;

/** What replaces values of `vars`: files go first, then what was given by name. */
export interface VarOverrides {
  /** `--var NAME=VALUE`, as it was typed. */
  readonly given?: Readonly<Record<string, string>>;
  /** `--vars FILE`: names of files, whose texts are among the included ones. */
  readonly files?: readonly string[];
}

const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, {
  error: 'letters, digits and _, beginning with a letter, at most 63',
});

export const varsSchema = z.record(name, z.unknown()).meta({
  description:
    'Values by name: `${{ vars.NAME }}` anywhere below. `--var NAME=VALUE` and `--vars FILE` override them.',
});

type Vars = Record<string, FlowValue>;

/** The values of `vars`, holes filled from those above them and overrides put in. */
export function readVars(
  root: Written,
  overrides: VarOverrides,
  files: IncludedFiles,
  problems: Problem[],
): Vars {
  const vars: Vars = {};
  const written = findWritten(root, ['vars']);
  const entries =
    written?.children === undefined || Array.isArray(written.value) ? [] : [...written.children];
  const replaced = overridesOf(new Set(entries.map(([key]) => String(key))), {
    overrides,
    files,
    problems,
  });
  if (entries.length > VARS_MAX) {
    const message = `${entries.length} variables are too many`;
    problems.push({ path: ['vars'], message, expected: `at most ${VARS_MAX}`, at: 'key' });
    return vars;
  }
  for (const [key, entry] of entries) {
    const own = replaced.get(String(key));
    const value =
      own === undefined
        ? filled(entry.value, vars, ['vars', key], problems)
        : typeof own === 'string'
          ? typed(own, entry.value)
          : own.value;
    if (value === undefined || !isFit(value, ['vars', key], problems)) continue;
    vars[String(key)] = value;
  }
  return vars;
}

function overridesOf(
  known: ReadonlySet<string>,
  {
    overrides,
    files,
    problems,
  }: {
    readonly overrides: VarOverrides;
    readonly files: IncludedFiles;
    readonly problems: Problem[];
  },
): Map<string, string | { readonly value: FlowValue }> {
  const found = new Map<string, string | { readonly value: FlowValue }>();
  const unknown = (key: string, at: Pick<Problem, 'path' | 'at'>): void => {
    const near = { word: key.slice(0, 64), words: [...known] };
    const expected = known.size === 0 ? 'a document with `vars`' : [...known].join(', ');
    problems.push({ ...at, message: `no variable is called ${shown(key)}`, expected, near });
  };
  for (const file of overrides.files ?? []) {
    const text = files.texts.get(file);
    if (text === undefined) {
      const why = files.unreadable?.get(file) ?? 'was not sent along';
      problems.push({ path: ['vars'], message: `${shown(file)} ${why}`, at: 'key' });
      continue;
    }
    const { root, problems: wrong } = readTree(text, formatOf(file), file);
    problems.push(...wrong);
    if (root === undefined) continue;
    if (root.children === undefined || Array.isArray(root.value)) {
      const message = 'is not a map of variables and values';
      problems.push({ path: [], message, at: root.range });
      continue;
    }
    for (const [key, child] of root.children) {
      const value = plainCopy(child.value);
      if (!known.has(String(key)))
        unknown(String(key), { path: [key], at: child.key ?? child.range });
      else if (value !== undefined) found.set(String(key), { value });
    }
  }
  for (const [key, text] of Object.entries(overrides.given ?? {})) {
    if (known.has(key)) found.set(key, text);
    else unknown(key, { path: ['vars'], at: 'key' });
  }
  return found;
}

/** Text stays text where the document has text; elsewhere it is JSON where it parses as that. */
function typed(given: string, initial: unknown): FlowValue {
  if (typeof initial === 'string' && !initial.includes('${{')) return given;
  try {
    return plainCopy(JSON.parse(given)) ?? given;
  } catch {
    return given;
  }
}

function filled(
  value: unknown,
  vars: Vars,
  path: Path,
  problems: Problem[],
): FlowValue | undefined {
  if (typeof value === 'string') {
    if (!value.includes('${{')) return value;
    const parts = splitTemplate(value);
    const result =
      parts === undefined
        ? ({ ok: false, message: 'a hole `${{` has no `}}`' } as const)
        : fillTemplate(value, { vars });
    if (result.ok) return result.value;
    const expected = 'variables above this one: `${{ vars.NAME }}`';
    problems.push({ path, message: result.message, expected });
    return undefined;
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, vars, path, problems) ?? null);
  if (typeof value !== 'object' || value === null) return plainCopy(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, filled(item, vars, path, problems) ?? null]),
  );
}

function isFit(value: FlowValue, path: Path, problems: Problem[]): boolean {
  const length = JSON.stringify(value).length;
  if (length > VALUE_CHARACTERS_MAX) {
    const message = `the value has ${length} characters as JSON`;
    problems.push({ path, message, expected: `at most ${VALUE_CHARACTERS_MAX}` });
    return false;
  }
  if (depthOf(value) > VALUE_DEPTH_MAX) {
    const expected = `at most ${VALUE_DEPTH_MAX} lists and maps within each other`;
    problems.push({ path, message: 'the value is nested too deeply', expected });
    return false;
  }
  return true;
}

const depthOf = (value: FlowValue): number =>
  typeof value === 'object' && value !== null
    ? 1 + Object.values(value).reduce<number>((most, item) => Math.max(most, depthOf(item)), 0)
    : 0;

/** Data of a document as plain JSON; maps of a document have no prototype. */
export function plainCopy(value: unknown): FlowValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (Array.isArray(value)) return value.map((item) => plainCopy(item) ?? null);
  if (typeof value !== 'object') return undefined;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, plainCopy(item) ?? null]),
  );
}
