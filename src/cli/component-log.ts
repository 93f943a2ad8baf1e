import { nearest } from '../base/nearest.ts';
import { OperationError } from '../model/errors.ts';
import type { CommandResult } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { printable } from './text.ts';
import type { LogLine, World } from './world.ts';

/** Everything that the daemon wrote, whichever part of it. */
const ALL = 'all';
const TAIL = 100;

export interface ComponentLogOptions {
  readonly component: string;
  readonly follow: boolean;
  /** Milliseconds to look back. */
  readonly since: number | undefined;
  readonly tail: number | undefined;
}

/** What parts of the daemon wrote into its log; it is read from the state folder, whether a daemon runs or not. */
export async function componentLog(
  { component, follow, since, tail = since === undefined ? TAIL : undefined }: ComponentLogOptions,
  world: World,
): Promise<CommandResult> {
  const { lines, after } = await world.daemonLog.open();
  const absence = component === ALL ? undefined : absenceOf(component, lines);
  // Whoever waits for its first line may have to wait.
  if (absence !== undefined && follow) world.note(`${absence.message} ${absence.facts['hint']}`);
  else if (absence !== undefined) throw absence;
  const from =
    since === undefined ? undefined : new Date(Math.max(0, world.now() - since)).toISOString();
  const isWanted = (line: LogLine): boolean =>
    (component === ALL || line.component === component) && (from === undefined || line.at >= from);
  const wanted = lines.filter(isWanted);
  const found = tail === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - tail));
  const isJson = world.settings.json.value;
  if (!follow) {
    const view = () => found.map((line) => textOf(line, component === ALL));
    return { document: { lines: found }, view, exit: EXIT.ok };
  }
  const interrupted = new AbortController();
  world.onInterrupt(() => interrupted.abort());
  const signal = AbortSignal.any([interrupted.signal, world.terminal.readerGone]);
  async function* stream(): AsyncGenerator<string> {
    const text = (line: LogLine): string =>
      `${isJson ? JSON.stringify(line) : textOf(line, component === ALL)}\n`;
    for (const line of found) yield text(line);
    for await (const line of after(signal)) if (isWanted(line)) yield text(line);
  }
  return { document: undefined, view: () => [], exit: EXIT.ok, stream: stream() };
}

function absenceOf(component: string, lines: readonly LogLine[]): OperationError | undefined {
  const known = [...new Set(lines.map((line) => line.component))].sort();
  if (known.includes(component)) return undefined;
  const meant = nearest(component, [...known, ALL]);
  const hint =
    meant === undefined ? `There are ${known.join(', ')}, and ${ALL}.` : `Did you mean ${meant}?`;
  const sentence = `No component ${JSON.stringify(component)} has written a line.`;
  return new OperationError('NOT_FOUND', sentence, { hint });
}

function textOf({ at, level, component, message, error }: LogLine, isLabelled: boolean): string {
  const label = isLabelled ? `${component}: ` : '';
  const cause = error === undefined ? '' : `\n${printable(error.split('\n')[0] ?? '')}`;
  return `${at} ${level === 'error' ? 'ERROR ' : ''}${label}${printable(message)}${cause}`;
}
