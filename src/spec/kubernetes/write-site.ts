import type { Bytes, MilliCpu } from '../../base/units.ts';
import { printBytes, printCpu } from '../quantities.ts';
import type { Findings, FoundQueue, Sourced } from './findings.ts';
import { type MappedClasses, mapPriorities } from './priority-classes.ts';
import { gpuLimit } from './resource-quota.ts';
import { type FitWeights, fitWeights } from './weights.ts';

const COMMENT_MAX = 160;
const ROUNDED = 'weights are rounded to whole parts of the largest';
/** The namespace that every cluster has. */
const DEFAULT_QUEUE = 'default';

/** The site document of what was found. */
export function writeSite(findings: Findings, files: readonly string[]): string {
  const mapped = mapPriorities([...findings.classes.values()]);
  const lines = [
    comment(`A site document, made by \`berth import\` from manifests of Kubernetes.`),
    ...files.map((file) => comment(`From ${file}`)),
    comment('Comments say of each part from which line it is. See docs/guides/site.md.'),
    ...schedulingLines(findings, mapped),
    ...queueLines(findings),
    ...userLines(findings),
  ];
  return `${lines.join('\n')}\n`;
}

function schedulingLines(findings: Findings, mapped: MappedClasses): string[] {
  const { classes, users, fairSharing } = findings;
  const lines: string[] = [];
  if (users.length > 0) {
    lines.push(
      comment(
        `${fairSharing?.from} fairSharing: users by weight over what they hold, then by priority`,
      ),
      'policy: weighted-drf',
    );
  }
  const byPriority = [...findings.queues.values()].find(({ priority }) => priority !== undefined);
  if (byPriority !== undefined) {
    lines.push(
      comment(`${byPriority.priority?.from}: queues by priority`),
      'child_order: priority',
    );
  }
  if (stopsOthers(findings)) {
    lines.push(
      comment('Kubernetes stops pods for others of higher priority; Berth, those of one queue'),
      'preemption: true',
    );
  }
  if (classes.size > 0) lines.push(...classLines(findings, mapped));
  return lines.length === 0 ? [] : ['scheduling:', ...indented(lines)];
}

const stopsOthers = ({ classes }: Findings): boolean =>
  [...classes.values()].some(({ preempts }) => preempts);

function classLines({ classes }: Findings, mapped: MappedClasses): string[] {
  const lines = [...classes.values()].flatMap(({ name, value, isDefault, preempts, from }) => [
    comment(
      `${from} PriorityClass, value ${value}${isDefault ? ', the default' : ''}${preempts ? '' : ', preemptionPolicy Never'}`,
    ),
    `${key(name)}:`,
    ...indented([`priority: ${mapped.priorities.get(value)}`, 'preemptible: true']),
  ]);
  const how = mapped.isKept
    ? []
    : [
        comment('Values are mapped to −1000…1000 in their order, equal ones to equal ones;'),
        comment(`0 stands for ${mapped.zero}, which is the value of whoever names no class.`),
      ];
  return [...how, 'classes:', ...indented(lines)];
}

function queueLines(findings: Findings): string[] {
  const { queues, fairSharing } = findings;
  if (queues.size === 0) return [];
  const hasDefault = queues.has(DEFAULT_QUEUE);
  const weights = new Map([...queues.values()].map((queue) => [queue, queue.weight]));
  const fit = fitWeights(weights, !hasDefault);
  warnOfWeights(findings, fit);
  // Without shares, Kubernetes takes nothing from one namespace for another but by priority.
  const reclaim = fairSharing === undefined && stopsOthers(findings) ? ['reclaim: disabled'] : [];
  const own = [...queues.values()].flatMap((queue) => {
    const weight = fit.weights.get(queue);
    return entry(queue.name, queue.from, [
      ...(weight === undefined ? [] : [said(`weight: ${weight}`, queue.weight)]),
      ...(queue.priority ? [said(`priority: ${queue.priority.value}`, queue.priority)] : []),
      ...reclaim,
      ...limitLines(queue),
    ]);
  });
  const others = hasDefault
    ? []
    : entry(
        DEFAULT_QUEUE,
        ['Every cluster has this namespace; whoever names no queue is in it'],
        [...reclaim],
      );
  return ['queues:', ...indented([...others, ...own])];
}

function limitLines(queue: FoundQueue): string[] {
  const { cpu, memory, tasks, workloads } = queue;
  const gpu = gpuLimit(queue);
  const amounts = [
    ...(cpu ? [said(`cpu: ${printCpu(cpu.value as MilliCpu)}`, cpu)] : []),
    ...(memory ? [said(`memory: ${printBytes(memory.value as Bytes)}`, memory)] : []),
    ...(gpu ? [said(`gpu: ${gpu.value}`, gpu)] : []),
  ];
  return [
    ...(amounts.length === 0 ? [] : ['limit:', ...indented(amounts)]),
    ...(tasks ? [said(`max_active: ${tasks.value}`, tasks)] : []),
    ...(workloads ? [said(`concurrent_pipelines: ${workloads.value}`, workloads)] : []),
  ];
}

/** Namespaces that the shares do not name stand beside those that they do. */
function warnOfWeights(
  { queues, fairSharing }: Findings,
  { weights, isRounded }: FitWeights<FoundQueue>,
): void {
  if (isRounded) fairSharing?.warn('queues', ROUNDED);
  if (weights.size === 0 || isRounded) return;
  const without = [...queues.values()].filter((queue) => !weights.has(queue));
  if (without.length === 0) return;
  const names = without.slice(0, 3).map(({ name }) => name);
  const more = without.length > 3 ? ` and ${without.length - 3} more` : '';
  fairSharing?.warn('queues', `no weight is here for ${names.join(', ')}${more}: 1 beside these`);
}

function userLines({ users, fairSharing }: Findings): string[] {
  if (users.length === 0) return [];
  const weights = new Map(users.map((user) => [user.name, user.weight]));
  const fit = fitWeights(weights, !weights.has('default'));
  if (fit.isRounded) fairSharing?.warn('users', ROUNDED);
  const lines = users.flatMap(({ name, from, weight, maxRunning }) => {
    const part = fit.weights.get(name);
    return entry(
      name,
      [from],
      [
        ...(part === undefined ? [] : [said(`weight: ${part}`, weight)]),
        ...(maxRunning ? [said(`max_running: ${maxRunning.value}`, maxRunning)] : []),
      ],
    );
  });
  return ['multi_tenancy:', ...indented(['users:', ...indented(lines)])];
}

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

function entry(name: string, from: readonly string[], lines: readonly string[]): string[] {
  const why = from.map((one) => comment(one));
  if (lines.length === 0) return [...why, `${key(name)}: {}`];
  return [...why, `${key(name)}:`, ...indented(lines)];
}

const said = (line: string, source: Sourced<unknown> | undefined): string =>
  source === undefined ? line : `${line} ${comment(source.from)}`;

/** One line, whatever names of files and objects there are. */
function comment(text: string): string {
  const short = text.length > COMMENT_MAX ? `${text.slice(0, COMMENT_MAX - 1)}…` : text;
  // Half a character may stand where it was cut.
  return `# ${short.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029\ufffd]/gu, '?')}`;
}

/** A name as a key that is text in any case. */
function key(name: string): string {
  if (
    /^[A-Za-z][A-Za-z0-9_.-]*$/.test(name) &&
    !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(name)
  ) {
    return name;
  }
  return JSON.stringify(name).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
