import { UNLIMITED } from '../base/units.ts';
import { type AttemptId, attemptId, parseAttemptId } from '../model/ids.ts';
import type { AttemptStart } from '../runtime/ports.ts';
import type { Confinement } from './confinement.ts';
import type { IsolationPlan } from './isolation-plan.ts';

/** Of the messages; a launcher of another version is replaced. Its shims go on. */
export const LAUNCHER_VERSION = '3';
/** The kernel takes at most about 2 MiB of arguments and environment. */
export const START_LINE_MAX = 4 * 1024 * 1024;

/** One message of the launcher, or one line of a record: see launcher.pl. */
export function encodeLine(fields: readonly string[]): string {
  return `${fields.map(encodeField).join('\t')}\n`;
}

export function decodeLine(line: string): string[] {
  return line
    .split('\t')
    .map((f) =>
      f.includes('%')
        ? f.replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          )
        : f,
    );
}

const escapes: Record<string, string> = { '%': '%25', '\t': '%09', '\n': '%0A', '\r': '%0D' };

function encodeField(field: string): string {
  return /[%\t\n\r]/.test(field) ? field.replace(/[%\t\n\r]/g, (c) => escapes[c]!) : field;
}

/** `freezer`: our folder of it; the shim thaws what it has to stop. */
export function startLine(start: AttemptStart, plan: Confinement, freezer?: string): string {
  const { run, limits } = start;
  const argv = run.kind === 'argv' ? run.argv : ['/bin/sh', '-c', run.script];
  const fields = [
    'start',
    start.attempt,
    ...(start.after === undefined ? [] : [`after=${start.after}`]),
    `cwd=${start.cwd}`,
    `grace=${limits.graceMs}`,
    `log=${limits.logBytes}`,
    `join=${plan.join}`,
    `held-by=${plan.enforced.driver}`,
    `cpu-by=${plan.enforced.cpu}`,
    `memory-by=${plan.enforced.memory}`,
    `pids-by=${plan.enforced.pids}`,
  ];
  if (freezer !== undefined) fields.push(`freezer=${freezer}/${start.attempt}`);
  if (limits.wallMs !== UNLIMITED) fields.push(`wall=${limits.wallMs}`);
  if (plan.memoryLimit !== undefined) fields.push(`memlimit=${plan.memoryLimit}`);
  for (const note of plan.enforced.notes) fields.push(`note=${note}`);
  for (const [aspect, path] of plan.dirs) fields.push(`dir=${aspect}:${path}`);
  for (const s of plan.sets) fields.push(`set=${s.aspect}:${s.file}:${s.value}`);
  if (start.network?.namespace !== undefined) fields.push(`netns=${start.network.namespace}`);
  for (const t of start.network?.terms ?? []) fields.push(`term=${t.term}:${t.by}:${t.note}`);
  for (const h of plan.terms?.holds ?? []) {
    fields.push(`hold=${h.term}:${h.aspect}:${h.file}:${h.value}`);
  }
  for (const a of plan.terms?.acts ?? []) fields.push(`act=${a.term}:${a.act}:${a.value}`);
  for (const t of plan.enforced.terms ?? []) fields.push(`term=${t.term}:${t.by}:${t.note}`);
  if (plan.isolation !== undefined) fields.push(...isolationFields(plan.isolation));
  for (const argument of argv) fields.push(`arg=${argument}`);
  for (const [name, value] of Object.entries(start.env)) fields.push(`env=${name}=${value}`);
  return encodeLine(fields);
}

function isolationFields(plan: IsolationPlan): readonly string[] {
  return [
    'isolated=1',
    ...plan.wrap.map((argument) => `wrap=${argument}`),
    ...(plan.account === '' ? [] : [`account=${plan.account}`]),
    ...(plan.noNewPrivileges ? ['nonew=1'] : []),
    ...(plan.seccomp === '' ? [] : [`seccomp=${plan.seccomp}`]),
    ...plan.secrets.map(({ as, name, secret }) => `secret=${as}:${name}:${secret}`),
  ];
}

/**
 * The start of an attempt in line, as what it differs in from the one before it; undefined when that is more than
 * its environment.
 */
export function nextLine(start: AttemptStart, before: AttemptStart): string | undefined {
  const alike =
    start.after === before.attempt &&
    start.run === before.run &&
    start.placement === before.placement &&
    start.cwd === before.cwd &&
    start.network?.namespace === before.network?.namespace &&
    start.workdir === before.workdir;
  if (!alike) return undefined;
  const fields = ['next', start.attempt, before.attempt];
  let same = 0;
  for (const name in start.env) {
    const value = start.env[name]!;
    if (before.env[name] === value) same++;
    else fields.push(`env=${name}=${value}`);
  }
  // A name that is gone cannot be told.
  if (same + fields.length - 3 !== Object.keys(before.env).length) return undefined;
  return encodeLine(fields);
}

/** What the launcher says. Ids are those of attempts; a line that is none of these is not understood. */
export type LauncherMessage =
  | { readonly kind: 'hello'; readonly version: string; readonly pid: number }
  | { readonly kind: 'owns'; readonly attempt: AttemptId }
  | { readonly kind: 'ready' }
  | { readonly kind: 'bye'; readonly remaining: number }
  | {
      readonly kind: 'started';
      readonly attempt: AttemptId;
      readonly pid: number;
      readonly fields: readonly string[];
    }
  | { readonly kind: 'exists'; readonly attempt: AttemptId }
  | { readonly kind: 'ended'; readonly attempt: AttemptId; readonly fields: readonly string[] };

export function parseLauncherMessage(line: string): LauncherMessage | undefined {
  const [verb, first = '', ...rest] = decodeLine(line);
  if (verb === 'ready') return { kind: 'ready' };
  if (verb === 'hello') return { kind: 'hello', version: first, pid: Number(rest[0]) };
  if (verb === 'bye') return { kind: 'bye', remaining: Number(first) };
  const attempt = asAttemptId(first);
  if (attempt === undefined) return undefined;
  switch (verb) {
    case 'owns':
    case 'exists':
      return { kind: verb, attempt };
    case 'started':
      return { kind: 'started', attempt, pid: Number(rest[0]), fields: rest.slice(1) };
    case 'ended':
      return { kind: 'ended', attempt, fields: rest };
    default:
      return undefined;
  }
}

/** The text as an id, or nothing when it is not one: a stranger's folder or cgroup. */
export function asAttemptId(text: string): AttemptId | undefined {
  const name = parseAttemptId(text);
  if (name === undefined) return undefined;
  const id = attemptId(name.task, name.number);
  return id === text ? id : undefined;
}
