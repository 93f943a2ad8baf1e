import type { WhatIfAsker, WhatIfRequest } from '../api/contract/what-if-documents.ts';
import { nearest } from '../base/nearest.ts';
import { bytes, type TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { State } from '../engine/state.ts';
import { OperationError } from '../model/errors.ts';
import type { NodeId, TenantId, WorkloadId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import type { SiteConfig } from '../model/site-config.ts';
import { policyNamed } from '../simulation/policies.ts';
import type { WhatIfChange } from '../simulation/what-if/change.ts';
import type { PastWindow } from '../simulation/what-if/past-window.ts';
import { formatIssues } from '../spec/format-issues.ts';
import { type NodeShape, parseNodeShape } from '../spec/node-shape.ts';
import { type KeySetting, parseSetting, setKeys } from '../spec/set-keys.ts';
import { parseSite } from '../spec/site-document.ts';
import { fillCalendar } from './fill-calendar.ts';
import type { LoadedPlugin } from './load-plugins.ts';
import { submissionParser } from './parse-submission.ts';
import type { SiteTerms } from './site-engine.ts';
import { siteNames } from './site-names.ts';

/** The site that is asked about. */
export interface AskedSite {
  readonly terms: SiteTerms;
  readonly site: SiteConfig;
  readonly fileName: string;
  readonly text: string;
  readonly plugins: readonly LoadedPlugin[];
  readonly engineOf: (terms: SiteTerms) => Engine;
}

export interface Question {
  readonly changes: readonly WhatIfChange[];
  /** Of the changed configuration; absent: it is as it was. */
  readonly engine?: () => Engine;
  /** What is changed, as sentences, in order. */
  readonly sentences: readonly string[];
  /** Of `changes`, the place of each in `sentences`. */
  readonly places: readonly number[];
}

/** What may be named in a question. */
export interface Named {
  readonly nodes: readonly Node[];
  workload(id: WorkloadId): { readonly tenant: TenantId; readonly name: string } | undefined;
  /** Why it cannot be cancelled; undefined: it can. */
  whyNotCancelled(id: WorkloadId): string | undefined;
  /** Nothing need be different: what is replayed is compared with what happened. */
  readonly mayBeEmpty: boolean;
}

export const liveNames = (state: State): Named => ({
  nodes: state.nodes(),
  workload: (id) => {
    const found = state.workload(id);
    return found && { tenant: found.tenant, name: found.spec.name };
  },
  whyNotCancelled: (id) =>
    state.workload(id)?.state === 'active' ? undefined : 'it has ended already',
  mayBeEmpty: false,
});

export const windowNames = ({ begin, events, real }: PastWindow): Named => {
  const joined = events.flatMap((event) => (event.kind === 'node-joined' ? [event.node] : []));
  const nodes = new Map([...begin.state.nodes(), ...joined].map((node) => [node.id, node]));
  return {
    nodes: [...nodes.values()],
    workload: (id) => real.jobs.get(id),
    whyNotCancelled: () => undefined,
    mayBeEmpty: true,
  };
};

interface Around extends Named {
  readonly by: WhatIfAsker;
  readonly at: TimeMs;
}

/** @throws OperationError USAGE, SPEC_INVALID or NOT_FOUND. */
export function readQuestion(site: AskedSite, asked: WhatIfRequest, around: Around): Question {
  const sentences: string[] = [];
  const changes: WhatIfChange[] = [];
  const places: number[] = [];
  const terms = changedTerms(site, asked, around.at);
  for (const text of asked.set) sentences.push(`set ${text}`);
  if (asked.policy !== undefined) sentences.push(`policy ${asked.policy}`);
  const add = (sentence: string, made: readonly WhatIfChange[]): void => {
    for (const change of made) {
      changes.push(change);
      places.push(sentences.length);
    }
    sentences.push(sentence);
  };
  for (const text of asked.add_nodes) {
    const nodes = nodesOf(text, around.nodes, changes);
    const names = nodes.length === 1 ? `node ${nodes[0]!.id}` : `${nodes.length} nodes`;
    add(
      `add ${names} (${text})`,
      nodes.map((node) => ({ kind: 'add-node', node })),
    );
  }
  for (const name of asked.lose_nodes) {
    add(`lose node ${name}`, [{ kind: 'lose-node', node: nodeNamed(name, around.nodes) }]);
  }
  for (const id of asked.cancel) {
    const { workload, name } = workloadNamed(id, around);
    add(`cancel job ${id} (${name})`, [{ kind: 'cancel', workload, by: around.by.tenant }]);
  }
  for (const document of asked.submit) {
    const change = submissionOf(site, document, around);
    add(`submit ${document.file} (${change.spec.name}) as ${change.tenant}`, [change]);
  }
  if (sentences.length === 0 && !around.mayBeEmpty) {
    throw new OperationError('USAGE', 'Nothing is to be different.', {
      hint: 'Say what is, such as --set queues.train.weight=3; see `berth help whatif`.',
    });
  }
  const engine = terms && (() => site.engineOf(terms));
  return { changes, sentences, places, ...(engine && { engine }) };
}

/** Undefined where nothing is said of the configuration. */
function changedTerms(site: AskedSite, asked: WhatIfRequest, at: TimeMs): SiteTerms | undefined {
  const { terms } = site;
  if (asked.set.length === 0 && asked.policy === undefined) return undefined;
  let { scheduling, money } = terms;
  if (asked.set.length > 0) {
    const changed = changedSite(site, asked.set, at);
    if (sameTerms(changed, site.site)) {
      throw new OperationError('USAGE', `${asked.set.join(', ')}: this changes nothing here.`, {
        hint: 'A what-if looks at scheduling, queues, multi_tenancy, quotas, budgets, reservations and qos, as they differ from now.',
      });
    }
    scheduling = changed.scheduling;
    money = { ...money, budgets: changed.budgets };
  }
  if (asked.policy !== undefined) scheduling = withPolicy(scheduling, asked.policy);
  return { ...terms, scheduling, money };
}

function withPolicy(scheduling: SchedulingConfig, name: string): SchedulingConfig {
  const policy = policyNamed(name, scheduling);
  if ('config' in policy) return policy.config;
  throw new OperationError('USAGE', `--policy: ${policy.why}`, {
    hint: 'See docs/policies for what each does.',
  });
}

function changedSite(site: AskedSite, written: readonly string[], at: TimeMs): SiteConfig {
  const made = setKeys(site.text, written.map(settingOf));
  if (!made.ok) {
    const { setting, problem } = made;
    throw new OperationError('USAGE', `--set ${setting.key}=${setting.value}: ${problem}.`);
  }
  const { fileName } = site;
  const parsed = parseSite(made.text, { fileName, ...siteNames(site.plugins) });
  if (parsed.ok) return fillCalendar(parsed.site, at);
  const report = formatIssues(parsed.issues, made.text, `${fileName} with --set`).trimEnd();
  throw new OperationError('SPEC_INVALID', `The site would not be valid.\n${report}`, {
    issues: parsed.issues,
    hint: 'Every key is in docs/reference/site.md.',
  });
}

function settingOf(text: string): KeySetting {
  const setting = parseSetting(text);
  if (setting !== undefined) return setting;
  throw new OperationError('USAGE', `--set ${text}: not KEY=VALUE.`, {
    hint: 'Such as --set queues.train.weight=3.',
  });
}

/** How devices are shared is told to nodes when they join, which nothing does here. */
function sameTerms(a: SiteConfig, b: SiteConfig): boolean {
  const looked = ({ scheduling, budgets }: SiteConfig): string => {
    const { gpuSharing: _, ...rest } = scheduling;
    return JSON.stringify([withoutCalendar(rest), withoutCalendar(budgets)]);
  };
  return looked(a) === looked(b);
}

/** Starts of periods are written out from the moment at which the site was read. */
const withoutCalendar = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
    key === 'starts' || key === 'zone' ? undefined : inner,
  );

function nodesOf(text: string, known: readonly Node[], before: readonly WhatIfChange[]): Node[] {
  const parsed = parseNodeShape(text);
  if (!parsed.ok) throw new OperationError('USAGE', `--add-node ${text}: ${parsed.problem}.`);
  const { shape } = parsed;
  const like = shape.like === undefined ? undefined : nodeNamed(shape.like, known);
  const model = like && known.find(({ id }) => id === like);
  const taken = new Set<string>(known.map(({ id }) => id));
  for (const change of before) if (change.kind === 'add-node') taken.add(change.node.id);
  return Array.from({ length: shape.count }, (_, i) => {
    const id = nameFor(shape, i, taken);
    taken.add(id);
    return nodeOf(shape, id as NodeId, model);
  });
}

function nameFor({ name, count }: NodeShape, i: number, taken: ReadonlySet<string>): string {
  if (name !== undefined) {
    const own = count === 1 ? name : `${name}-${i + 1}`;
    if (!taken.has(own)) return own;
    throw new OperationError('USAGE', `--add-node: there is a node ${own} already.`);
  }
  let number = 1;
  while (taken.has(`new-${number}`)) number++;
  return `new-${number}`;
}

function nodeOf(shape: NodeShape, id: NodeId, like: Node | undefined): Node {
  const { cpu = like?.cpu, memory = like?.memory, labels } = shape;
  const count = shape.gpus ?? like?.gpus.length ?? 0;
  const first = like?.gpus[0];
  const gpus = Array.from({ length: count }, (_, i) => ({
    ...(like?.gpus[i] ?? first),
    id: `${id}-gpu${i}`,
    model: shape.gpuModel ?? like?.gpus[i]?.model ?? first?.model ?? 'unknown',
    memory: shape.gpuMemory ?? like?.gpus[i]?.memory ?? first?.memory ?? bytes(0),
  }));
  const { links, cpus, ...rest } = like ?? { custom: [], labels: {} };
  return {
    ...rest,
    ...(shape.gpus === undefined && links && { links }),
    ...(shape.cpu === undefined && cpus && { cpus }),
    id,
    cpu: cpu!,
    memory: memory!,
    gpus,
    labels: { ...rest.labels, ...labels },
  };
}

function nodeNamed(name: string, known: readonly Node[]): NodeId {
  const names = known.map(({ id }) => id as string);
  if (names.includes(name)) return name as NodeId;
  const near = nearest(name, names);
  throw new OperationError('NOT_FOUND', `There is no node ${JSON.stringify(name)}.`, {
    hint: near === undefined ? 'See `berth status`.' : `Did you mean ${near}?`,
  });
}

function workloadNamed(
  id: string,
  { by, workload, whyNotCancelled }: Around,
): { workload: WorkloadId; name: string } {
  const found = workload(id as WorkloadId);
  if (found === undefined || (by.only !== undefined && found.tenant !== by.only)) {
    throw new OperationError('NOT_FOUND', `There is no workload ${JSON.stringify(id)}.`);
  }
  const why = whyNotCancelled(id as WorkloadId);
  if (why !== undefined) throw new OperationError('USAGE', `--cancel ${id}: ${why}.`);
  return { workload: id as WorkloadId, name: found.name };
}

function submissionOf(
  { site }: AskedSite,
  { text, file, files, tenant }: WhatIfRequest['submit'][number],
  { by, at }: Around,
): Extract<WhatIfChange, { kind: 'submit' }> {
  const parse = submissionParser(site, () => at);
  const parsed = parse(text, { fileName: file, cwd: '', ...(files && { files }) });
  if (!parsed.ok) {
    throw new OperationError('SPEC_INVALID', parsed.text.trimEnd(), { issues: parsed.issues });
  }
  return { kind: 'submit', tenant: (tenant ?? by.tenant) as TenantId, spec: parsed.spec };
}
