import type { AttemptDocument, LogChunk, WorkloadDocument } from '../../api/contract/documents.ts';
import { nearest } from '../../base/nearest.ts';
import { OperationError } from '../../model/errors.ts';
import { parseAttemptId } from '../../model/ids.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { componentLog } from '../component-log.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes } from '../format.ts';
import { Merge } from '../merge.ts';
import { followLog, readLog } from '../read-log.ts';
import { watchWorkload } from '../watch-workload.ts';
import { noSuchWorkload, withNearMiss } from '../workload-ids.ts';
import type { World } from '../world.ts';

const LINES_MAX = 100_000;

export const logs = defineCommand({
  name: 'logs',
  group: 'Work',
  summary: 'Print what tasks wrote, or parts of the daemon; as it is written with -f',
  details: [
    'An id of a workload or of a step (12.train) means the last attempt of each of its tasks; lines then begin with the attempt when there are several. An attempt is named by its own id: 12.train.0.1.',
    'With --component, what that part of the daemon wrote (api, daemon, engine, execution, inventory, scheduling, site, telemetry…, or all), from the state folder on this machine: the last 100 lines, where neither --tail nor --since is given.',
    'With --json and -f each piece is a document of its own, one a line.',
  ],
  operand: {
    name: 'id',
    summary: 'of a workload, WORKLOAD.STEP, or an attempt; with --component, none',
    required: false,
    many: false,
    complete: 'none',
  },
  options: {
    follow: { kind: 'flag', short: 'f', summary: 'go on until the workload has ended' },
    component: { kind: 'text', value: 'name', summary: 'of the daemon, in place of a workload' },
    since: {
      kind: 'span',
      value: 'time',
      summary: 'with --component: not older than 90s, 5m, 1h…',
    },
    stderr: { kind: 'flag', summary: 'stderr in place of stdout' },
    tail: {
      kind: 'count',
      short: 'n',
      value: 'n',
      min: 0,
      max: LINES_MAX,
      summary: 'only the last n lines of what is there',
    },
  },
  json: '{logs: [LogChunk, …]}; with -f one LogChunk per line; of the daemon {lines: [{at, level, component, message, error?}, …]}, with -f one line each',
  examples: [
    'berth logs 12 -f',
    'berth logs 12.train.0.1 --stderr --tail 50',
    'berth logs --component execution --since 1h',
  ],
  async run({ operands, options }, world) {
    const { component, follow: isFollowed, since, tail } = options;
    const [id] = operands;
    if (component !== undefined) {
      if (id !== undefined || options.stderr) {
        throw new OperationError(
          'USAGE',
          '--component is of the daemon: without an id, and without --stderr.',
        );
      }
      return componentLog({ component, follow: isFollowed, since, tail }, world);
    }
    if (id === undefined)
      throw new OperationError('USAGE', 'The id of a workload is missing, or --component.');
    if (since !== undefined)
      throw new OperationError(
        'USAGE',
        '--since goes with --component: lines of tasks have no times.',
      );
    const client = await world.daemons.connect();
    const target = await targetOf(client, id);
    const how: How = {
      stream: options.stderr ? 'stderr' : 'stdout',
      tailLines: options.tail,
    };
    const isJson = world.settings.json.value;
    if (!options.follow) {
      const now = attemptsNow(target);
      if (isJson) {
        const documents: LogChunk[] = [];
        for await (const chunk of all(client, now, how)) documents.push(chunk);
        return { document: { logs: documents }, view: () => [], exit: EXIT.ok };
      }
      const stream = asText(all(client, now, how), { isLabelled: now.length > 1, world, how });
      return { document: undefined, view: () => [], exit: EXIT.ok, stream };
    }
    const isLabelled = target.kind === 'workload' && hasSeveralTasks(target);
    const interrupted = new AbortController();
    world.onInterrupt(() => interrupted.abort());
    const signal = AbortSignal.any([interrupted.signal, world.terminal.readerGone]);
    const pieces = follow(client, target, { how, signal, world });
    const stream = isJson ? asJsonLines(pieces) : asText(pieces, { isLabelled, world, how });
    return { document: undefined, view: () => [], exit: EXIT.ok, stream };
  },
});

type Target =
  | { readonly kind: 'attempt'; readonly id: string }
  | {
      readonly kind: 'workload';
      readonly document: WorkloadDocument;
      readonly step: string | undefined;
    };
interface How {
  readonly stream: 'stdout' | 'stderr';
  readonly tailLines: number | undefined;
}

async function targetOf(client: Client, text: string): Promise<Target> {
  if (parseAttemptId(text) !== undefined) return { kind: 'attempt', id: text };
  const [, id, step] = /^(\d{1,15})(?:\.([A-Za-z0-9][A-Za-z0-9_-]*))?$/.exec(text) ?? [];
  if (id === undefined) throw await noSuchWorkload(client, text);
  const document = await withNearMiss(client, id, () => client.workload(id));
  const steps = document.steps.map((known) => known.id);
  if (step !== undefined && !steps.includes(step)) {
    const meant = nearest(step, steps);
    const hint =
      meant === undefined ? `Its steps: ${steps.join(', ')}.` : `Did you mean ${id}.${meant}?`;
    throw new OperationError('NOT_FOUND', `Workload ${id} has no step ${JSON.stringify(step)}.`, {
      hint,
    });
  }
  return { kind: 'workload', document, step };
}

function hasSeveralTasks({ document, step }: Target & { kind: 'workload' }): boolean {
  const steps = document.steps.filter(({ id }) => step === undefined || id === step);
  return steps.reduce((sum, { tasks }) => sum + tasks.total, 0) > 1;
}

/** Attempts that have begun, of the step or of all steps, in order of start: one so short that nobody heard of it, too. */
const begun = (document: WorkloadDocument, step: string | undefined): readonly AttemptDocument[] =>
  document.steps
    .filter(({ id }) => step === undefined || id === step)
    .flatMap(({ attempts }) =>
      attempts.filter(({ started_at: at, wall_ms: ran }) => at !== null || ran !== null),
    );

function lastOfEachTask(attempts: readonly AttemptDocument[]): readonly AttemptDocument[] {
  const last = new Map(attempts.map((attempt) => [attempt.task, attempt]));
  return attempts.filter((attempt) => last.get(attempt.task) === attempt);
}

function attemptsNow(target: Target): readonly string[] {
  if (target.kind === 'attempt') return [target.id];
  return lastOfEachTask(begun(target.document, target.step)).map(({ id }) => id);
}

async function* all(
  client: Client,
  attempts: readonly string[],
  how: How,
): AsyncGenerator<LogChunk> {
  for (const attempt of attempts) {
    yield* readLog(client, { attempt, ...how });
  }
}

/** The last attempts that there are, and then each new one, side by side. */
function follow(
  client: Client,
  target: Target,
  options: { readonly how: How; readonly signal: AbortSignal; readonly world: World },
): AsyncIterable<LogChunk> {
  const { how, signal, world } = options;
  const merge = new Merge<LogChunk>();
  const add = (attempt: string): void => merge.add(followLog(client, { attempt, ...how }, signal));
  if (target.kind === 'attempt') {
    add(target.id);
    merge.seal();
    return merge;
  }
  const { document, step } = target;
  const seen = new Set(begun(document, step).map(({ id }) => id));
  for (const { id } of lastOfEachTask(begun(document, step))) add(id);
  const discover = async (): Promise<void> => {
    const note = (sentence: string): void => world.note(sentence);
    for await (const now of watchWorkload(client, document.id, { signal, note })) {
      for (const { id } of begun(now, step)) {
        if (seen.has(id)) continue;
        seen.add(id);
        add(id);
      }
    }
    merge.seal();
  };
  discover().catch((error: unknown) => merge.fail(error));
  return merge;
}

async function* asJsonLines(pieces: AsyncIterable<LogChunk>): AsyncGenerator<string> {
  for await (const chunk of pieces) yield `${JSON.stringify(chunk)}\n`;
}

/** The text as it is; with labels, whole lines, each after the attempt that wrote it. */
async function* asText(
  pieces: AsyncIterable<LogChunk>,
  options: { readonly isLabelled: boolean; readonly world: World; readonly how: How },
): AsyncGenerator<string> {
  const { isLabelled, world, how } = options;
  const unfinished = new Map<string, string>();
  let isEmpty = true;
  for await (const chunk of pieces) {
    if (chunk.dropped > 0) {
      world.note(`${chunk.attempt}: ${formatBytes(chunk.dropped)} before this were not kept.`);
    }
    if (chunk.text === '') continue;
    isEmpty = false;
    if (!isLabelled) {
      yield chunk.text;
      continue;
    }
    const lines = ((unfinished.get(chunk.attempt) ?? '') + chunk.text).split('\n');
    unfinished.set(chunk.attempt, lines.pop()!);
    yield lines.map((line) => `${labelOf(chunk.attempt)}${line}\n`).join('');
  }
  for (const [attempt, line] of unfinished) if (line !== '') yield `${labelOf(attempt)}${line}\n`;
  if (isEmpty && how.stream === 'stdout') world.note('Nothing on stdout; see --stderr.');
}

/** `train.0.1 | `: the attempt without its workload. */
const labelOf = (attempt: string): string => `${attempt.slice(attempt.indexOf('.') + 1)} | `;
