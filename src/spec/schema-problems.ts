import type { z } from 'zod';
import type { CheckFacts } from './fields.ts';
import type { Path, Problem } from './issue.ts';
import { shown } from './quantities.ts';

type SchemaIssue = z.core.$ZodIssue;

/** Keys that are called otherwise elsewhere, and what they are called here. */
const nearMisses: Readonly<Record<string, readonly string[]>> = {
  dependencies: ['needs'],
  depends: ['needs'],
  depends_on: ['needs'],
  after: ['needs'],
  requires: ['needs'],
  command: ['run'],
  cmd: ['run'],
  script: ['run'],
  args: ['run'],
  exec: ['run'],
  uses: ['action'],
  inputs: ['with'],
  jobs: ['steps'],
  tasks: ['steps'],
  stages: ['steps'],
  mem: ['memory'],
  ram: ['memory'],
  cpus: ['cpu'],
  cores: ['cpu'],
  gpus: ['gpu'],
  limits: ['resource_limits'],
  requests: ['resources', 'request'],
  retries: ['max_retries', 'retry'],
  attempts: ['max_retries', 'retry'],
  replicas: ['count'],
  instances: ['count'],
  environment: ['env'],
  working_directory: ['cwd'],
  workdir: ['cwd'],
  max_parallel: ['max_workers', 'parallel'],
  time_limit: ['timeout'],
  walltime: ['timeout'],
  max_execution_time: ['timeout'],
};

/** Keys that are right, but in another place. */
const places: Readonly<Record<string, string>> = {
  timeout: 'resource_limits',
  grace_period: 'resource_limits',
  pids: 'resource_limits',
  max_retries: 'retry',
  backoff: 'retry',
  memory_growth: 'retry',
  cpu: 'resources',
  memory: 'resources',
  gpu: 'resources',
  max_workers: 'parallel',
  resources: 'defaults',
  resource_limits: 'defaults',
  retry: 'defaults',
};

/** Keys of a job that a pipeline has in its steps only. */
const stepKeys: readonly string[] = ['run', 'action', 'with', 'count', 'parallel', 'cwd', 'needs'];

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  // Every number outside of amounts and plain values is a whole one.
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
};

/**
 * What a schema found, as problems with sentences.
 * `read` gives the value at a path below `base`; `keysAt` the keys that the schema knows there.
 */
export function schemaProblems(
  issues: readonly SchemaIssue[],
  base: Path,
  read: (path: Path) => unknown,
  keysAt: (path: Path) => readonly string[],
): Problem[] {
  return issues.flatMap((issue) => oneIssue(issue, base, read, keysAt));
}

function oneIssue(
  issue: SchemaIssue,
  base: Path,
  read: (path: Path) => unknown,
  keysAt: (path: Path) => readonly string[],
): Problem[] {
  const path: Path = [...base, ...plainPath(issue.path)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, path, keysAt(path));
    case 'invalid_union': {
      const meant = meantBranch(issue.errors);
      if (meant !== undefined) return schemaProblems(meant, path, read, keysAt);
      return [mismatch(path, read(path), issue.message)];
    }
    case 'invalid_type':
      return [mismatch(path, read(path), typeNames[issue.expected] ?? issue.expected)];
    case 'invalid_key':
      return [
        {
          path,
          message: `${shown(String(path.at(-1)))} is not a name`,
          expected: issue.issues[0]?.message,
          at: 'key',
        },
      ];
    case 'invalid_format':
      return [
        { path, message: `${describe(read(path))} cannot be used here`, expected: issue.message },
      ];
    case 'too_small':
    case 'too_big':
      return [outOfRange(issue, path, read(path))];
    case 'custom':
      return [{ path, message: issue.message, ...checkFacts(issue.params) }];
    default:
      return [{ path, message: issue.message }];
  }
}

function unknownKeys(keys: readonly string[], path: Path, known: readonly string[]): Problem[] {
  return keys.map((key) => {
    const problem = {
      path: [...path, key],
      message: `unknown key ${shown(key)}`,
      at: 'key',
    } as const;
    if (known.includes('steps') && stepKeys.includes(key)) {
      return { ...problem, message: `${shown(key)} belongs in a step of a pipeline` };
    }
    const synonym = own(nearMisses, key.toLowerCase())?.find((name) => known.includes(name));
    if (synonym !== undefined) return { ...problem, suggestion: synonym };
    const place = own(places, key);
    if (place !== undefined && known.includes(place)) {
      return { ...problem, suggestion: `${place}.${key}` };
    }
    return { ...problem, near: { word: key.slice(0, 64), words: known } };
  });
}

/** The branch of a union whose type was met, so that its own complaints are the ones that help. */
function meantBranch(
  branches: readonly (readonly SchemaIssue[])[],
): readonly SchemaIssue[] | undefined {
  return branches.find((issues) =>
    issues.every((issue) => {
      if (issue.path.length > 0) return true;
      if (issue.code === 'invalid_union') return meantBranch(issue.errors) !== undefined;
      return issue.code !== 'invalid_type';
    }),
  );
}

function mismatch(path: Path, value: unknown, expected: string): Problem {
  if (value === undefined) {
    return { path, message: `the key \`${String(path.at(-1))}\` is missing` };
  }
  const message = value === null ? 'the value is empty' : `${describe(value)} cannot be used here`;
  const isQuotable =
    expected === 'text' && (typeof value === 'number' || typeof value === 'boolean');
  return { path, message, expected: isQuotable ? `text, in quotes: "${value}"` : expected };
}

function outOfRange(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  path: Path,
  value: unknown,
): Problem {
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const expected = `at ${issue.code === 'too_small' ? 'least' : 'most'} ${bound}`;
  if (Array.isArray(value)) {
    const message = value.length === 0 ? 'the list is empty' : `a list of ${value.length}`;
    return { path, message, expected };
  }
  return { path, message: `${describe(value)} is out of range`, expected };
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  return typeof value === 'string' ? shown(value) : String(value);
}

function checkFacts(params: Readonly<Record<string, unknown>> | undefined): CheckFacts {
  const { expected, suggestion, within } = params ?? {};
  return {
    ...(typeof within === 'number' ? { within } : {}),
    ...(typeof expected === 'string' ? { expected } : {}),
    ...(typeof suggestion === 'string' ? { suggestion } : {}),
  };
}

function plainPath(path: readonly PropertyKey[]): Path {
  return path.map((part) => (typeof part === 'number' ? part : String(part)));
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** The keys that a JSON Schema knows at a path: those of every form that a map may have there. */
export function knownKeys(schema: unknown, path: Path): string[] {
  let here = [schema];
  for (const part of path) {
    here = here.flatMap(forms).flatMap((form) => {
      if (typeof part === 'number') return [field(form, 'items')];
      const named = field(field(form, 'properties'), part);
      return [named ?? field(form, 'additionalProperties')];
    });
  }
  const keys = here.flatMap(forms).flatMap((form) => Object.keys(field(form, 'properties') ?? {}));
  return [...new Set(keys)];
}

function forms(schema: unknown): unknown[] {
  const anyOf = field(schema, 'anyOf');
  return Array.isArray(anyOf) ? [schema, ...anyOf.flatMap(forms)] : [schema];
}

function field(value: unknown, name: string): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
  return typeof found === 'object' && found !== null ? found : undefined;
}
