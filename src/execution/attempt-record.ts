import { bytes, spanMs } from '../base/units.ts';
import type { AttemptEnd, EndCause, Enforcement, TermEnforcement } from '../model/attempt.ts';
import type { AttemptId } from '../model/ids.ts';
import { decodeLine } from './launcher-protocol.ts';

/** KEY=VALUE fields of a record on disk or of a message; a key may come more than once. */
export type RecordFields = ReadonlyMap<string, readonly string[]>;

export function recordFields(fields: Iterable<string>): RecordFields {
  const found = new Map<string, string[]>();
  for (const field of fields) {
    const at = field.indexOf('=');
    if (at < 0) continue;
    const key = field.slice(0, at);
    const values = found.get(key);
    if (values === undefined) found.set(key, [field.slice(at + 1)]);
    else values.push(field.slice(at + 1));
  }
  return found;
}

/** What a record on disk says of one attempt: lines of `start`, `task` and `ended` fields, as shim.pl writes them. */
export interface AttemptRecord {
  readonly start: RecordFields;
  /** Of the task itself, once it is forked. */
  readonly task: RecordFields;
  readonly ended: RecordFields | undefined;
}

/** Attempts that followed each other share a record. */
export function parseRecord(text: string, attempt: AttemptId): AttemptRecord {
  const lines = new Map<string, readonly string[]>();
  // What follows the last newline was cut off.
  for (const line of text.split('\n').slice(0, -1)) {
    const [kind, of, ...fields] = decodeLine(line);
    if (of === attempt) lines.set(kind!, fields);
  }
  const ended = lines.get('ended');
  return {
    start: recordFields(lines.get('start') ?? []),
    task: recordFields(lines.get('task') ?? []),
    ended: ended && recordFields(ended),
  };
}

export function fieldOf(record: RecordFields, key: string): string | undefined {
  return record.get(key)?.[0];
}

/** Undefined when absent or not a count: unknown is not zero. */
export function countOf(record: RecordFields, key: string): number | undefined {
  const text = fieldOf(record, key);
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

const causes: Record<EndCause, true> = {
  succeeded: true,
  failed: true,
  signalled: true,
  'oom-killed': true,
  'timed-out': true,
  'disk-exceeded': true,
  'model-calls-exceeded': true,
  'tokens-exceeded': true,
  'results-exceeded': true,
  'requests-exceeded': true,
  cancelled: true,
  preempted: true,
  unhealthy: true,
  'over-limit': true,
  'over-budget': true,
  overused: true,
  'start-failed': true,
  unstarted: true,
  lost: true,
};

const isCause = (text: string): text is EndCause => Object.hasOwn(causes, text);

/** The end that a record tells of. A record that tells of none is an attempt that is lost. */
export function endOf(record: RecordFields, signalName: (number: number) => string): AttemptEnd {
  const said = fieldOf(record, 'cause') ?? '';
  const cause = isCause(said) ? said : 'lost';
  const exitCode = countOf(record, 'code');
  const signal = countOf(record, 'signal');
  const wallMs = countOf(record, 'wall');
  const cpuMs = countOf(record, 'cpu');
  const memoryPeak = countOf(record, 'peak');
  const logBytes = countOf(record, 'log');
  const message = messageOf(record, cause);
  return {
    cause,
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal: signalName(signal) }),
    usage: {
      ...(wallMs !== undefined && { wallMs: spanMs(wallMs) }),
      ...(cpuMs !== undefined && { cpuMs: spanMs(cpuMs) }),
      ...(memoryPeak !== undefined && { memoryPeak: bytes(memoryPeak) }),
      ...(logBytes !== undefined && { logBytes: bytes(logBytes) }),
    },
    enforced: enforcementOf(record),
    ...(message !== '' && { message }),
  };
}

function enforcementOf(record: RecordFields): Enforcement {
  return {
    driver: oneOf(fieldOf(record, 'held-by'), 'unknown', 'cgroup-v2', 'cgroup-v1', 'unprivileged'),
    cpu: oneOf(fieldOf(record, 'cpu-by'), 'none', 'quota', 'weight'),
    memory: oneOf(fieldOf(record, 'memory-by'), 'none', 'kernel', 'watchdog'),
    pids: oneOf(fieldOf(record, 'pids-by'), 'none', 'kernel', 'rlimit'),
    notes: record.get('note') ?? [],
    ...termsOf(record),
  };
}

/** What became of the execution terms: fields `term=NAME:BY:NOTE`; nothing where none was asked for. */
export function termsOf(record: RecordFields): { readonly terms?: readonly TermEnforcement[] } {
  const said = record.get('term');
  if (said === undefined) return {};
  const terms = said.flatMap((text): TermEnforcement[] => {
    const [, term, by, note] = /^([^:]+):([^:]+):(.*)$/s.exec(text) ?? [];
    if (term === undefined || by === undefined) return [];
    return [{ term, by: oneOf(by, 'none', 'kernel', 'proxy', 'accounting'), note: note ?? '' }];
  });
  return terms.length === 0 ? {} : { terms };
}

function oneOf<T extends string>(text: string | undefined, otherwise: T, ...words: T[]): T {
  return words.find((word) => word === text) ?? otherwise;
}

const mebibytes = (n: number): string => `${Math.ceil(n / 1024 / 1024)} MiB`;

function messageOf(record: RecordFields, cause: EndCause): string {
  const said = fieldOf(record, 'message');
  const sentences: string[] = [];
  if (cause === 'lost') {
    sentences.push(
      fieldOf(record, 'unstarted') === undefined
        ? `No record of its end could be found: ${said ?? 'the record is unreadable'}.`
        : `It could not be started: ${said}.`,
    );
  } else if (said !== undefined) {
    sentences.push(`${said}.`);
  }
  const limit = countOf(record, 'limit');
  const kills = countOf(record, 'oom') ?? 0;
  const watched = countOf(record, 'watched');
  if (kills > 0) {
    const at = limit === undefined ? '' : ` at the limit of ${mebibytes(limit)}`;
    sentences.push(`The kernel killed ${counted(kills, 'process')} for memory${at}.`);
  }
  if (watched !== undefined && limit !== undefined) {
    const of = mebibytes(limit);
    sentences.push(
      `It used ${mebibytes(watched)} of a limit of ${of}, and the watchdog killed it.`,
    );
  }
  if (cause === 'overused') {
    sentences.push('It used more memory of a GPU than its share at two looks in a row.');
  }
  const wallMax = countOf(record, 'wallmax');
  if (cause === 'timed-out' && wallMax !== undefined) {
    sentences.push(`It ran longer than its limit of ${wallMax / 1000} s.`);
  }
  const refused = countOf(record, 'refused') ?? 0;
  if (refused > 0) sentences.push(`Its limit of processes refused ${counted(refused, 'fork')}.`);
  const lost = countOf(record, 'lostlog') ?? 0;
  if (lost > 0) sentences.push(`${counted(lost, 'byte')} of its log could not be written.`);
  const unkilled = countOf(record, 'unkilled') ?? 0;
  if (unkilled > 0) sentences.push(`${counted(unkilled, 'process')} could not be killed.`);
  const leaked = countOf(record, 'leaked') ?? 0;
  if (leaked > 0) sentences.push(`${counted(leaked, 'cgroup')} could not be removed.`);
  return sentences.join(' ');
}

function counted(n: number, noun: string): string {
  return `${n} ${n === 1 ? noun : noun.endsWith('s') ? `${noun}es` : `${noun}s`}`;
}
