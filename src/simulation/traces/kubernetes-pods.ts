import { z } from 'zod';
import { bytes, milliCpu, milliGpu } from '../../base/units.ts';
import { noConstraints } from '../../model/constraints.ts';
import type { Node } from '../../model/node.ts';
import type { Resources } from '../../model/resources.ts';
import { readAmount } from './amount.ts';
import { JOBS_MAX, type JobRow, JobTable } from './job-table.ts';
import { customOf, readNodes } from './node-lists.ts';
import { RowBook } from './row-book.ts';
import {
  type ReadOptions,
  type ReadTrace,
  type TraceFormat,
  type TraceSource,
  traceName,
} from './trace-format.ts';
import { issueAt, lineOf } from './trace-issue.ts';
import { plainShape } from './trace-spec.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

const PRIORITY_MAX = 1_000;
const CORES_MAX = 1_000_000;
const GPUS_MAX = 1_024;
const SECONDS_MAX = 1e10;
const FORM = 'pods, as `kubectl get pods -A -o json` prints them';

const amounts = z.record(z.string(), z.unknown()).optional();
const container = z.object({
  resources: z.object({ requests: amounts, limits: amounts }).optional(),
  restartPolicy: z.string().optional(),
});
const ended = z.object({ startedAt: z.string().nullish(), finishedAt: z.string().nullish() });
const pod = z.object({
  metadata: z.object({
    name: z.string().min(1).max(253),
    namespace: z.string().min(1).max(253).default('default'),
    creationTimestamp: z.string().nullish(),
    labels: z.record(z.string(), z.string()).optional(),
    ownerReferences: z.array(z.object({ name: z.string().max(253) })).optional(),
  }),
  spec: z.object({
    containers: z.array(container).max(1_000).default([]),
    initContainers: z.array(container).max(1_000).default([]),
    overhead: amounts,
    priority: z.number().optional(),
    activeDeadlineSeconds: z.number().optional(),
    nodeSelector: z.record(z.string(), z.string()).optional(),
  }),
  status: z
    .object({
      phase: z.string().optional(),
      startTime: z.string().nullish(),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            lastTransitionTime: z.string().nullish(),
          }),
        )
        .optional(),
      containerStatuses: z
        .array(z.object({ state: z.object({ terminated: ended.optional() }).optional() }))
        .optional(),
    })
    .default({}),
});
const about = z.object({
  kind: z.string().optional(),
  name: z.string(),
  namespace: z.string().default('default'),
});
const podEvent = z.object({
  reason: z.string(),
  involvedObject: about.optional(),
  regarding: about.optional(),
  eventTime: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  firstTimestamp: z.string().nullish(),
  deprecatedLastTimestamp: z.string().nullish(),
});

type Pod = z.infer<typeof pod>;

/** What events tell of a pod that its own status may not. */
interface PodTimes {
  scheduledAt?: number;
  endedAt?: number;
}

/**
 * Pods of Kubernetes that have ended: each is a job that holds its requests from when it was scheduled until its last
 * container finished. Lists of events beside them fill in times that a pod does not tell; by themselves they do not
 * say what pods ask for. A list of nodes beside them is what it ran on. A pod that still waits or runs is left out.
 */
export const kubernetesPods: TraceFormat = {
  name: 'kubernetes-pods',
  what: 'pods as `kubectl get pods -o json` (or yaml) prints them, with events and nodes where there are such lists',
  recognises: (_file, head) => /(^|[\s{,])"?kind"?\s*:\s*"?Pod(List)?"?\s*($|[,}\n])/m.test(head),
  read(sources, options) {
    const lists: List[] = [];
    for (const source of sources) {
      const read = readYaml(source);
      if (!read.ok) return read;
      lists.push(listOf(source, read.document));
    }
    return build(lists, options);
  },
};

interface List {
  readonly source: TraceSource;
  readonly document: YamlSource;
  readonly items: readonly unknown[];
  readonly kind: 'pods' | 'events' | 'nodes';
}

function listOf(source: TraceSource, document: YamlSource): List {
  const { items: listed, kind }: Record<string, unknown> = Object(document.value);
  const items: readonly unknown[] = Array.isArray(listed) ? listed : [document.value];
  const kinds = `${kind} ${Object(items[0]).kind}`;
  const isEvents = /\bEvent(List)?\b/.test(kinds);
  const isNodes = /\bNode(List)?\b/.test(kinds);
  return { source, document, items, kind: isEvents ? 'events' : isNodes ? 'nodes' : 'pods' };
}

function build(lists: readonly List[], options: ReadOptions): ReadTrace {
  const [first] = lists;
  if (first === undefined) return { ok: false, issues: [] };
  const podLists = lists.filter(({ kind }) => kind === 'pods');
  if (podLists.length === 0) {
    const message = `${first.kind} do not say what pods ask for`;
    return { ok: false, issues: [issueAt(first.source, { start: 0, end: 1 }, message, FORM)] };
  }
  let nodes: readonly Node[] | undefined = options.nodes;
  for (const { source } of lists.filter(({ kind }) => kind === 'nodes')) {
    const read = readNodes(source);
    if (!read.ok) return read;
    nodes ??= read.nodes;
  }
  const times = timesOf(lists.filter(({ kind }) => kind === 'events'));
  const book = new RowBook();
  const table = new JobTable();
  for (const list of podLists) {
    if (!addPods(table, book, list, times)) {
      const message = `more than ${JOBS_MAX} pods`;
      return { ok: false, issues: [issueAt(list.source, { start: 0, end: 1 }, message)] };
    }
  }
  const { source } = podLists[0]!;
  const verdict = book.verdict(table.count, source, FORM);
  if (verdict !== undefined) return verdict;
  const { jobs, count } = table.jobs(options.limit);
  const trace = { name: traceName(source.file), format: kubernetesPods.name, jobs, count };
  return { ok: true, trace: { ...trace, ...(nodes && { nodes }), skipped: book.rows } };
}

/** False when there are too many. */
function addPods(
  table: JobTable,
  book: RowBook,
  { source, document, items }: List,
  times: ReadonlyMap<string, PodTimes>,
): boolean {
  for (const [i, item] of items.entries()) {
    if (table.isFull) return false;
    const span = () => document.span(['items', i]);
    const parsed = pod.safeParse(item);
    if (!parsed.success) {
      book.malformed(source, span, 'not a pod', FORM);
      continue;
    }
    const job = jobOf(parsed.data, times);
    if (typeof job === 'string') book.skip(job, () => lineOf(source.text, span().start));
    else table.add(job);
  }
  return true;
}

const podKey = (namespace: string, name: string): string => `${namespace}/${name}`;

function timesOf(lists: readonly List[]): ReadonlyMap<string, PodTimes> {
  const times = new Map<string, PodTimes>();
  for (const item of lists.flatMap(({ items }) => items)) {
    const parsed = podEvent.safeParse(item);
    if (!parsed.success) continue;
    const { reason, involvedObject, regarding, ...told } = parsed.data;
    const object = involvedObject ?? regarding;
    const at =
      timeOf(told.lastTimestamp) ??
      timeOf(told.eventTime) ??
      timeOf(told.deprecatedLastTimestamp) ??
      timeOf(told.firstTimestamp);
    if (object === undefined || object.kind !== 'Pod' || at === undefined) continue;
    const key = podKey(object.namespace, object.name);
    const known = times.get(key) ?? {};
    if (reason === 'Scheduled') known.scheduledAt = Math.min(at, known.scheduledAt ?? at);
    if (/^(Killing|Evicted|Preempted|Completed)$/.test(reason)) {
      known.endedAt = Math.max(at, known.endedAt ?? at);
    }
    times.set(key, known);
  }
  return times;
}

/** RFC 3339. */
function timeOf(text: string | null | undefined): number | undefined {
  if (text == null || !/^\d{4}-\d\d-\d\dT[\d:.]{8,18}(Z|[+-]\d\d:\d\d)$/.test(text))
    return undefined;
  const at = Math.floor(Date.parse(text));
  return at >= 0 ? at : undefined;
}

/** A job, or why it is none. */
function jobOf(
  { metadata, spec, status }: Pod,
  times: ReadonlyMap<string, PodTimes>,
): JobRow | string {
  const { name, namespace } = metadata;
  const key = podKey(namespace, name);
  const told = times.get(key);
  const created = timeOf(metadata.creationTimestamp);
  if (created === undefined) return 'no creation time';
  const scheduled =
    timeOf(
      status.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'True')
        ?.lastTransitionTime,
    ) ??
    told?.scheduledAt ??
    timeOf(status.startTime);
  if (scheduled === undefined) return 'it had not started';
  const ends = status.containerStatuses?.map(({ state }) => timeOf(state?.terminated?.finishedAt));
  const isOver = status.phase === 'Succeeded' || status.phase === 'Failed';
  const last = ends?.reduce<number | undefined>(
    (most, at) => (at === undefined ? most : Math.max(at, most ?? at)),
    undefined,
  );
  const end = (isOver ? last : undefined) ?? told?.endedAt;
  if (end === undefined) return isOver ? 'nobody knows when it ended' : 'it had not ended';
  if (end <= scheduled) return 'no run time';
  const request = requestOf(spec);
  if (request === undefined) return 'it asks for what is no amount';
  const deadlineS = spec.activeDeadlineSeconds ?? 0;
  const model = spec.nodeSelector?.['nvidia.com/gpu.product'];
  return {
    id: key,
    at: created,
    tenant: namespace,
    runMs: end - scheduled,
    estimateMs: deadlineS > 0 && deadlineS < SECONDS_MAX ? Math.ceil(deadlineS) * 1000 : undefined,
    failed: status.phase === 'Failed',
    shape: plainShape(request, {
      name: nameOf(metadata),
      priority: priorityOf(spec.priority),
      ...(model !== undefined &&
        request.gpu > 0 && { constraints: { ...noConstraints, gpuModels: [model] } }),
    }),
  };
}

/** Of what made it, so that those that are alike have one name. */
const nameOf = ({ name, labels = {}, ownerReferences = [] }: Pod['metadata']): string =>
  labels['batch.kubernetes.io/job-name'] ?? labels['job-name'] ?? ownerReferences[0]?.name ?? name;

const priorityOf = (priority = 0): number =>
  Math.max(-PRIORITY_MAX, Math.min(PRIORITY_MAX, Math.trunc(priority) || 0));

type Amounts = Readonly<Record<string, unknown>>;

/** As the scheduler of Kubernetes has it: containers together, or the largest that runs before them; and overhead. */
function requestOf({ containers, initContainers, overhead }: Pod['spec']): Resources | undefined {
  const ofContainer = ({ resources }: z.infer<typeof container>): Amounts => ({
    ...resources?.limits,
    ...resources?.requests,
  });
  const beside = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const before = initContainers.filter(({ restartPolicy }) => restartPolicy !== 'Always');
  const running = [...containers, ...beside].map(ofContainer);
  const names = new Set(
    [...running, ...before.map(ofContainer), overhead ?? {}].flatMap(Object.keys),
  );
  const all: Record<string, number> = Object.create(null);
  for (const name of names) {
    const perUnit = name === 'cpu' ? 1000 : 1;
    const read = (from: Amounts): number =>
      Object.hasOwn(from, name) ? (readAmount(from[name], perUnit) ?? Number.NaN) : 0;
    const together = running.reduce((sum, from) => sum + read(from), 0);
    const most = before.reduce((max, from) => Math.max(max, read(ofContainer(from))), together);
    all[name] = most + read(overhead ?? {});
    if (!Number.isSafeInteger(all[name])) return undefined;
  }
  const gpus = all['nvidia.com/gpu'] ?? 0;
  const cpu = all['cpu'] ?? 0;
  if (gpus > GPUS_MAX || cpu > CORES_MAX * 1000) return undefined;
  return {
    cpu: milliCpu(cpu),
    memory: bytes(all['memory'] ?? 0),
    gpu: milliGpu(gpus * 1000),
    custom: customOf(all),
  };
}
