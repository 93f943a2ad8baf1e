import { z } from 'zod';
import { parseDecimal } from '../decimal.ts';
import { readTrees, type Tree } from '../document-tree.ts';
import type { Path, Range } from '../issue.ts';
import { shown } from '../quantities.ts';
import { COUNT_MAX } from '../site-fields.ts';
import { textProblem } from '../text-bounds.ts';
import type { Findings, Sourced } from './findings.ts';
import type { Manifest } from './manifest.ts';
import { queueFor, userNamed } from './names.ts';

const KEY = 'fairSharing';

const weight = z.union([z.string(), z.number()]).nullish();
const sharingSchema = z.looseObject({
  enabled: z.boolean().nullish(),
  users: z
    .record(
      z.string(),
      z.looseObject({ weight, maxRunningJobs: z.int().min(0).max(COUNT_MAX).nullish() }),
    )
    .nullish(),
  queues: z
    .record(
      z.string(),
      z.looseObject({ weight, priority: z.union([z.string(), z.number()]).nullish() }),
    )
    .nullish(),
});

/** Words for the priority of a queue, and what they are beside each other. */
const words: Readonly<Record<string, number>> = {
  lowest: 0,
  low: 100,
  normal: 200,
  medium: 200,
  high: 300,
  highest: 400,
  critical: 400,
};
const QUEUE_PRIORITY_MAX = 1_000_000;
const WEIGHT_MIN = 0.000_001;
const WEIGHT_MAX = 1_000_000_000;

/** Shares in a ConfigMap: a map `fairSharing` in one of its texts. False: it has none. */
export function readFairSharing(manifest: Manifest, findings: Findings): boolean {
  let found = false;
  for (const key of manifest.keys(['data'])) {
    const path = ['data', key];
    const written = manifest.text(path);
    // Every other text is somebody else's business, and need not be YAML.
    if (written === undefined || !written.text.includes(KEY)) continue;
    for (const inner of readWithin(manifest, path, written)) {
      if (!inner.keys([]).includes(KEY)) continue;
      found = true;
      const origin = inner.origin([KEY]);
      const first = findings.metBefore(KEY, origin);
      if (first !== undefined) {
        const expected = 'them in one place';
        inner.error([KEY], `${first} has shares, too`, { at: 'key', expected });
        continue;
      }
      inner.warnOfOthers([], [KEY], 'not carried over');
      readShares(inner, findings, origin);
    }
  }
  return found;
}

/** The YAML within a text of the file, a document each, with the places that they have in the file. */
function readWithin(
  manifest: Manifest,
  path: Path,
  { text, range }: { readonly text: string; readonly range: Range },
): Manifest[] {
  const file = manifest.fileText;
  const isBlock = file[range.start] === '|';
  const start = file.indexOf('\n', range.start) + 1;
  // Of a block the lines as they stand there; all that is within other texts is at the text.
  const inner = isBlock && start > 0 ? file.slice(start, range.end) : text;
  const lifted = isBlock
    ? (one: Range): Range => ({ start: one.start + start, end: one.end + start })
    : (): Range => range;
  const unfit = textProblem(inner);
  const trees: readonly Tree[] = unfit === undefined ? readTrees(inner) : [];
  const problem = unfit ?? trees.flatMap(({ problems }) => problems)[0];
  const roots = trees.flatMap(({ root }) => root ?? []);
  if (problem === undefined && roots.length > 0) {
    return roots.map((root) => manifest.within(root, lifted));
  }
  const why = problem === undefined ? 'it is empty' : problem.message;
  const at = typeof problem?.at === 'object' ? lifted(problem.at) : range;
  manifest.error(path, `the text within cannot be read: ${why}`, { at });
  return [];
}

function readShares(inner: Manifest, findings: Findings, origin: string): void {
  const read = inner.read(sharingSchema, [KEY]);
  if (read === undefined) return;
  if (read.enabled === false) {
    inner.warn([KEY, 'enabled'], 'the shares are switched off, and not carried over');
    return;
  }
  findings.fairSharing = {
    from: origin,
    warn: (of, message) => inner.warn([KEY, of], message),
  };
  inner.warnOfOthers([KEY], ['enabled', 'users', 'queues'], 'not carried over');
  for (const [name, { maxRunningJobs }] of Object.entries(read.users ?? {})) {
    const path = [KEY, 'users', name];
    inner.warnOfOthers(path, ['weight', 'maxRunningJobs'], 'not carried over');
    const from = inner.origin(path);
    const weight = weightAt(inner, path);
    if (!userNamed(inner, path, name)) continue;
    const max = maxRunningJobs ?? undefined;
    if (max !== undefined) {
      const why = 'counts the tasks that run in one queue: a job of several counts as many';
      inner.warn([...path, 'maxRunningJobs'], why);
    }
    findings.users.push({
      name,
      from,
      ...(weight && { weight }),
      ...(max !== undefined && {
        maxRunning: {
          value: max,
          from: `${inner.origin([...path, 'maxRunningJobs'])} maxRunningJobs`,
        },
      }),
    });
  }
  readQueues(inner, findings, read.queues ?? {});
}

type QueuesBlock = NonNullable<z.output<typeof sharingSchema>['queues']>;

function readQueues(inner: Manifest, findings: Findings, queues: QueuesBlock): void {
  const byWeight = Object.values(queues).some(({ weight }) => weight != null);
  for (const [name, { priority }] of Object.entries(queues)) {
    const path = [KEY, 'queues', name];
    inner.warnOfOthers(path, ['weight', 'priority'], 'not carried over');
    const weight = weightAt(inner, path);
    const from = `${inner.origin(path)} queue ${name}`;
    const queue = queueFor({ manifest: inner, path, findings }, name, from);
    if (queue === undefined) continue;
    if (weight !== undefined) queue.weight = weight;
    if (priority == null) continue;
    const at = [...path, 'priority'];
    if (byWeight) {
      inner.warn(
        at,
        'not carried over: queues go by weight or by priority, and these have weights',
      );
      continue;
    }
    const value = priorityOf(priority);
    if (value !== undefined) queue.priority = { value, from: `${inner.origin(at)} ${priority}` };
    else inner.warn(at, `${shown(String(priority))} is not carried over: no known priority`);
  }
}

function priorityOf(written: string | number): number | undefined {
  const word = String(written).trim().toLowerCase();
  if (Object.hasOwn(words, word)) return words[word];
  const value = Number(word === '' ? Number.NaN : word);
  return Number.isInteger(value) && Math.abs(value) <= QUEUE_PRIORITY_MAX ? value : undefined;
}

function weightAt(inner: Manifest, path: Path): Sourced<string> | undefined {
  const at = [...path, 'weight'];
  const written = inner.value(at);
  if (written == null) return undefined;
  const text = String(written);
  const value = parseDecimal(text) === undefined ? Number.NaN : Number(text);
  if (value === 0) {
    inner.warn(at, 'a weight of 0 is not carried over: in Berth everybody has a part, here of 1');
    return undefined;
  }
  if (!(value >= WEIGHT_MIN && value <= WEIGHT_MAX)) {
    const expected = `a number such as 30 or 0.5, ${WEIGHT_MIN} to ${WEIGHT_MAX}`;
    inner.error(at, `${shown(text)} is not a weight`, { expected });
    return undefined;
  }
  return { value: text, from: `${inner.origin(at)} weight` };
}
