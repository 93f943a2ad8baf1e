import type { Run } from '../model/workload.ts';
import { type Action, actions, laterActions } from './actions.ts';
import { findWritten, type Written } from './document-tree.ts';
import { publishedSchema } from './fields.ts';
import type { Path, Problem } from './issue.ts';
import { shown } from './quantities.ts';
import { knownKeys, schemaProblems } from './schema-problems.ts';
import type { StepBlock } from './step-schema.ts';

type CommandBlock = Pick<StepBlock, 'run' | 'action' | 'with'>;

/** A value as text, numbers and booleans as they were written: `1.0` stays `1.0`. */
export function asWritten(root: Written, path: Path): string {
  const found = findWritten(root, path);
  return typeof found?.value === 'string' ? found.value : (found?.source ?? '');
}

/** `run` and `action` exclude each other, and one must be given. Works on any map, right or wrong. */
export function commandProblems(root: Written, path: Path): Problem[] {
  const block = findWritten(root, path);
  const has = (key: string): boolean => block?.children?.has(key) === true;
  if (block?.children === undefined || Array.isArray(block.value)) return [];
  if (findWritten(root, [...path, 'parallel', 'tasks']) !== undefined) {
    const message = 'different tasks in one step are not available yet';
    const expected = 'a step for each, or one `run` with `count`';
    return [{ path: [...path, 'parallel', 'tasks'], message, expected, at: 'key' }];
  }
  if (has('run') && has('action')) {
    const message = '`run` is given, too, and only one of them can be the command';
    return [{ path: [...path, 'action'], message, at: 'key' }];
  }
  if (has('with') && !has('action')) {
    return [{ path: [...path, 'with'], message: '`with` belongs to an `action`', at: 'key' }];
  }
  if (has('run') || has('action')) return [];
  const message = path.length === 0 ? 'nothing to run' : 'the step has nothing to run';
  const forms = path.length === 0 ? ', or `steps` for a pipeline' : '';
  const at = [...block.children.values()][0]?.key ?? block.range;
  return [{ path, message, expected: `\`run\` or \`action\`${forms}`, at }];
}

/** The command of a block; nothing when it cannot be told, and then `problems` says why. */
export function readCommand(
  block: CommandBlock,
  path: Path,
  root: Written,
  problems: Problem[],
): Run | undefined {
  if (block.action !== undefined) return readAction(block.action, block.with, path, root, problems);
  if (typeof block.run === 'string') return { kind: 'shell', script: block.run };
  if (block.run === undefined) return undefined;
  const argv = block.run.map((_, i) => asWritten(root, [...path, 'run', i]));
  if (argv[0] === '') {
    problems.push({ path: [...path, 'run', 0], message: 'the name of the program is empty' });
  }
  return { kind: 'argv', argv };
}

function readAction(
  name: string,
  given: CommandBlock['with'],
  path: Path,
  root: Written,
  problems: Problem[],
): Run | undefined {
  const action = actions.find((one) => one.name === name);
  if (action === undefined) {
    problems.push(unknownAction(name, [...path, 'action']));
    return undefined;
  }
  const result = action.read(given ?? {});
  if (result.success) return result.data;
  const base = [...path, 'with'];
  const read = (at: Path): unknown => findWritten(root, at)?.value;
  const keysAt = (at: Path): string[] => knownKeys(argumentsSchema(action), at.slice(base.length));
  problems.push(...schemaProblems(result.error.issues, base, read, keysAt));
  return undefined;
}

function unknownAction(name: string, path: Path): Problem {
  const names = actions.map((one) => one.name);
  if (laterActions.includes(name)) {
    const message = `the action ${shown(name)} is not available yet`;
    return { path, message, expected: `\`run\`, or one of ${names.join(', ')}` };
  }
  const message = `no action is named ${shown(name)}`;
  return { path, message, expected: names.join(', '), near: { word: name, words: names } };
}

export function argumentsSchema(action: Action): object {
  return publishedSchema(action.arguments);
}
