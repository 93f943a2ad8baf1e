import type { BasisPoints } from '../base/units.ts';
import type { QueueName } from '../model/ids.ts';
import { defaultOrder, type QueueConfig } from '../model/scheduling-config.ts';
import type { WrittenReservation, WrittenSite } from '../model/site-config.ts';
import { readAlerts } from './alerts-block.ts';
import { siteAutoscaling } from './autoscaling-block.ts';
import { readBudgets } from './budget-block.ts';
import { readSpot } from './compute-block.ts';
import { type Format, readTree, type Written } from './document-tree.ts';
import { readGoals } from './goals-block.ts';
import { readHistory } from './history-block.ts';
import type { Issue, Path, Problem } from './issue.ts';
import { locateIssues } from './locate-issues.ts';
import { readNetwork } from './network-site-block.ts';
import { policyName } from './order-block.ts';
import { readOtlp } from './otlp-block.ts';
import { readEviction, readQos } from './qos-block.ts';
import { shown } from './quantities.ts';
import {
  leavesBelow,
  type Outer,
  type ReadQueues,
  readQueues,
  singleQueue,
} from './queue-block.ts';
import { type QuotaDeps, readQuotas } from './quota-block.ts';
import { readReservations } from './reservation-block.ts';
import { readScheduling, type Scheduling } from './scheduling-block.ts';
import { type Blocks, checkBlocks, isOfWorkload, readBlocks, warnOfUnmet } from './site-blocks.ts';
import { SiteReading } from './site-reading.ts';
import { documentDefaultsOf, offPeakOf, withPacking } from './site-saving.ts';
import { siteBlocks } from './site-schema.ts';
import { readSiteStorage } from './site-storage.ts';
import { checkPlan, type SiteStrategy } from './site-strategy.ts';
import {
  noTenancy,
  quotasByUser,
  readTenancy,
  type Tenancy,
  teamsOf,
  withShares,
} from './tenancy-block.ts';
import { textProblem } from './text-bounds.ts';
import { textsAt } from './unit-reader.ts';

/** What the document may name, which other rooms know. */
export interface SiteNames {
  readonly orders: readonly string[];
  readonly scorers: readonly string[];
  readonly strategies: readonly SiteStrategy[];
  /** Of the plug-ins: built-in filters always hold. */
  readonly filters: readonly string[];
  /** All that may be measured, and the short names for it. */
  readonly metrics: readonly string[];
  readonly timeZones: {
    readonly has: (name: string) => boolean;
    /** Those that are proposed instead of a misspelt one. */
    readonly names: readonly string[];
  };
}

export interface ParseSiteOptions extends SiteNames {
  /** `.json` chooses the format. */
  readonly fileName: string;
  readonly format?: Format;
}

export type ParsedSite =
  | { readonly ok: true; readonly site: WrittenSite; readonly warnings: readonly Issue[] }
  /** Errors only, all that were found at once, sorted by position; at most 100. */
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** The files of plug-ins that a site document names; none where it cannot be read, which `parseSite` tells. */
export function pluginFiles(
  text: string,
  options: Pick<ParseSiteOptions, 'fileName' | 'format'>,
): readonly string[] {
  if (textProblem(text) !== undefined) return [];
  const { root } = readTree(text, formatOf(options));
  if (root === undefined) return [];
  return new SiteReading(root, text).read(siteBlocks.plugins, ['plugins']) ?? [];
}

/** Whether a document is about the site: it has a block of one, and nothing to run. */
export function isSiteDocument(
  text: string,
  options: { readonly fileName: string; readonly format?: Format },
): boolean {
  if (textProblem(text) !== undefined) return false;
  const keys = [...(readTree(text, formatOf(options)).root?.children?.keys() ?? [])].map(String);
  const isOfSite = (key: string): boolean => key !== 'name' && Object.hasOwn(siteBlocks, key);
  return keys.some(isOfSite) && !keys.some(isOfWorkload);
}

const formatOf = ({ fileName, format }: Pick<ParseSiteOptions, 'fileName' | 'format'>): Format =>
  format ?? (fileName.endsWith('.json') ? 'json' : 'yaml');

/** A site document → what is configured. Never throws for what the text says. */
export function parseSite(text: string, options: ParseSiteOptions): ParsedSite {
  const unfit = textProblem(text);
  if (unfit !== undefined) return { ok: false, issues: locateIssues([unfit], undefined, text) };
  const { root, problems } = readTree(text, formatOf(options));
  if (root === undefined) {
    return { ok: false, issues: locateIssues(problems.map(asSiteProblem), root, text) };
  }
  const reading = new SiteReading(root, text);
  reading.errors.push(...problems);
  const site = readSite(reading, root, options);
  if (reading.errors.length > 0 || site === undefined) {
    return { ok: false, issues: locateIssues(once(reading.errors), root, text) };
  }
  return { ok: true, site, warnings: locateIssues(once(reading.warnings), root, text) };
}

/** What is empty is told what a site would have. */
function asSiteProblem(problem: Problem): Problem {
  if (!/^the document (is empty|has comments only)$/.test(problem.message)) return problem;
  return { ...problem, expected: 'a block such as `scheduling` or `queues`' };
}

function readSite(
  reading: SiteReading,
  root: Written,
  names: ParseSiteOptions,
): WrittenSite | undefined {
  if (!isMap(reading, root)) return undefined;
  checkBlocks(reading);
  const blocks = readBlocks(reading);
  const zoneAt = zoneReader(reading, blocks.timeZone, names);
  const packing = blocks.saving?.strategies?.resource_packing;
  const scheduling = withPacking(
    reading,
    readScheduling(reading, blocks.scheduling ?? {}, names),
    packing,
  );
  const offPeak = offPeakOf(reading, blocks, zoneAt);
  const documents = documentDefaultsOf(reading, blocks.saving);
  const tenancy =
    blocks.tenancy === undefined ? noTenancy : readTenancy(reading, blocks.tenancy, { zoneAt });
  const order = orderOf(reading, scheduling, blocks.tenancy, names);
  const ordered = { ...scheduling, order };
  const queues = queuesOf(reading, root, names, outerOf(reading, ordered, tenancy, blocks));
  const deps: QuotaDeps = {
    zoneAt,
    queueNamed: (written, path) =>
      queueNamed(reading, [...queues.paths.keys(), 'root'], written, path),
  };
  const quotas = [
    ...readQuotas(reading, blocks.quotas, deps),
    ...tenancy.quotas,
    ...fairQuotas(reading, blocks.scheduling, deps),
  ];
  const budgets = [
    ...readBudgets(reading, blocks.budgets, { ...deps, members: tenancy.members }),
    ...tenancy.budgets,
  ];
  const reservations = reservationsOf(reading, blocks, { scheduling, root: queues.root, deps });
  checkBackfill(reading, ordered, { quotas: quotas.length > 0 });
  checkPlan(reading, scheduling);
  const eviction = readEviction(blocks.qos);
  const qos = readQos(reading, blocks.qos);
  warnOfFilters(reading, names.filters, scheduling.filters);
  const network = readNetwork(reading, blocks.network);
  const autoscaling = scalingOf(reading, blocks.autoscaling);
  warnOfUnmet(reading, blocks);
  const exportedAs = blocks.monitoring?.resources?.metrics;
  const sampleEveryMs = blocks.monitoring?.resources?.collection_interval;
  const goals = readGoals(reading, blocks.monitoring);
  const alerts = blocks.monitoring && readAlerts(reading, blocks.monitoring, names);
  const otlp = blocks.monitoring?.otlp && readOtlp(reading, blocks.monitoring.otlp);
  const history = blocks.monitoring?.history && readHistory(reading, blocks.monitoring.history);
  const spot = readSpot(blocks.compute?.spot_instances);
  const labels = textsAt(root, ['compute', 'labels']);
  return {
    budgets,
    ...(alerts && { alerts }),
    ...(otlp && { otlp }),
    ...(history && { history }),
    ...(blocks.name !== undefined && { name: blocks.name }),
    ...(sampleEveryMs !== undefined && { sampleEveryMs }),
    ...(exportedAs !== undefined && { exportedAs }),
    ...(network && { network }),
    ...(blocks.monitoring !== undefined && { goals }),
    ...(autoscaling && { autoscaling }),
    ...(tenancy.isolation && { isolation: tenancy.isolation }),
    ...(tenancy.oversubscription !== undefined && { oversubscription: tenancy.oversubscription }),
    ...(blocks.storage && { storage: readSiteStorage(reading, blocks.storage) }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(blocks.timeZone !== undefined && { timeZone: zoneAt(undefined, ['time_zone']) }),
    ...(documents && { documents }),
    scheduling: writtenScheduling(scheduling, {
      root: queues.root,
      quotas,
      submissions: [...tenancy.submissions, ...queues.submissions],
      storageQuotas: tenancy.storage,
      reservations,
      offPeak,
      qos,
      eviction,
      spot,
    }),
  };
}

function isMap(reading: SiteReading, { children, value }: Written): boolean {
  if (children !== undefined && !Array.isArray(value)) return true;
  const what = Array.isArray(value) ? 'a list' : 'a single value';
  const expected = 'a map with blocks such as `scheduling` or `queues`';
  reading.error([], `${what} is not a site document`, { expected });
  return false;
}

/** One queue, where the document has none. */
function queuesOf(reading: SiteReading, root: Written, names: SiteNames, outer: Outer): ReadQueues {
  if (root.children?.has('queues') === true) return readQueues(reading, names, outer);
  const paths = new Map([['default', []]]);
  return { root: singleQueue(reading, outer), paths, submissions: [] };
}

/** What is kept by name, and after it what is kept for classes. */
function reservationsOf(
  reading: SiteReading,
  blocks: Blocks,
  on: { readonly scheduling: Scheduling; readonly root: QueueConfig; readonly deps: QuotaDeps },
): readonly WrittenReservation[] {
  const { scheduling, root, deps } = on;
  const written = readReservations(reading, blocks.reservations, {
    zoneAt: deps.zoneAt,
    leavesOf: (name, path) => {
      const found = deps.queueNamed(name, path);
      return found === undefined ? [] : leavesBelow(root, found);
    },
  });
  return [...written, ...keptForClasses(reading, scheduling, root, written)];
}

function warnOfFilters(
  reading: SiteReading,
  ofPlugins: readonly string[],
  used: readonly string[],
): void {
  for (const name of ofPlugins) {
    if (used.includes(name)) continue;
    reading.warn(
      ['plugins'],
      `the filter ${name} is not in \`scheduling.filters\`: it is not used`,
    );
  }
}

type WrittenScheduling = WrittenSite['scheduling'];

/** What other blocks than `scheduling` say of it. */
interface AroundScheduling extends Pick<WrittenScheduling, 'root' | 'quotas' | 'reservations'> {
  readonly submissions: NonNullable<WrittenScheduling['submissions']>;
  readonly storageQuotas: NonNullable<WrittenScheduling['storageQuotas']>;
  readonly offPeak: WrittenScheduling['offPeak'];
  readonly qos: WrittenScheduling['qos'];
  readonly eviction: WrittenScheduling['eviction'];
  readonly spot: WrittenScheduling['spot'];
}

function writtenScheduling(own: Scheduling, around: AroundScheduling): WrittenScheduling {
  const { filters, plan, preemption, gpuSharing, gpuAbsent, classes, keepAfterMs } = own;
  const { submissions, storageQuotas, offPeak, qos, eviction, spot } = around;
  return {
    root: around.root,
    scorers: own.scorers,
    ...(filters.length > 0 && { filters }),
    backfill: own.backfill,
    ...(plan && { plan }),
    quotas: around.quotas,
    ...(submissions.length > 0 && { submissions }),
    ...(storageQuotas.length > 0 && { storageQuotas }),
    ...(preemption && { preemption }),
    reservations: around.reservations,
    ...(offPeak && { offPeak }),
    ...(gpuSharing && { gpuSharing }),
    ...(classes.length > 0 && { classes }),
    ...(qos && { qos }),
    ...(gpuAbsent && { gpuAbsent }),
    ...(eviction && { eviction }),
    ...(spot && { spot }),
    ...(keepAfterMs !== undefined && { keepAfterMs }),
    seed: own.seed,
  };
}

/**
 * What is guaranteed to classes. It is lent where those that it is for can take it back: between queues shares
 * decide who is stopped for whom, and not priorities.
 */
function keptForClasses(
  reading: SiteReading,
  { kept, classes, preemption }: Scheduling,
  root: QueueConfig,
  others: readonly WrittenReservation[],
): readonly WrittenReservation[] {
  const [only, ...more] = leavesBelow(root, root.name);
  const isOne = more.length === 0 && only !== undefined && only.teams.length === 0;
  return kept.map((one) => {
    const [name] = one.selector.classes!;
    const own = classes.find((other) => other.name === name)!;
    if (others.some((other) => other.name === one.name)) {
      const path = ['scheduling', 'classes', own.name, 'guaranteed_resources'];
      const message = `a reservation is called \`${one.name}\`, and what is kept for the class is, too`;
      reading.error(path, message, { at: 'key' });
    }
    return { ...one, ...(preemption && isOne && { lentBelow: own.priority }) };
  });
}

function zoneReader(
  reading: SiteReading,
  written: string | undefined,
  { timeZones }: SiteNames,
): (written: string | undefined, path: Path) => string {
  const checked = (name: string, path: Path): string => {
    if (timeZones.has(name)) return name;
    reading.error(path, `no time zone is called ${shown(name)}`, {
      expected: 'a name such as Europe/Berlin or UTC',
      near: { word: name.slice(0, 64), words: timeZones.names },
    });
    return 'UTC';
  };
  const ofSite = written === undefined ? 'UTC' : checked(written, ['time_zone']);
  return (own, path) => (own === undefined ? ofSite : checked(own, path));
}

/** What holds in every queue that does not say otherwise. */
function outerOf(
  reading: SiteReading,
  scheduling: Scheduling,
  tenancy: Tenancy,
  blocks: Blocks,
): Outer {
  const shares = blocks.scheduling?.config?.team_shares;
  const teams = withShares(tenancy.teams, shares);
  const teamsPath =
    tenancy.teams === undefined ? ['scheduling', 'config', 'team_shares'] : tenancy.teamsPath;
  return {
    order: scheduling.order,
    childOrder: scheduling.childOrder,
    fifo: 'best-effort',
    oversubscription: tenancy.oversubscription ?? (10_000 as BasisPoints),
    tenants: [tenancy.users],
    teams: teams === undefined ? [] : teamsOf(reading, teams, teamsPath),
  };
}

/** The policy may stand in `multi_tenancy`, too. */
function orderOf(
  reading: SiteReading,
  { order, policyPath }: Scheduling,
  tenancy: Blocks['tenancy'],
  { orders }: SiteNames,
): Scheduling['order'] {
  const path = ['multi_tenancy', 'resource_allocation', 'method'];
  if (tenancy?.enabled === false) return order;
  const name = policyName(reading, orders, path, tenancy?.resource_allocation?.method);
  if (name === undefined) return order;
  if (policyPath !== undefined && name !== order.name) {
    const message = `line ${reading.line(policyPath)} says ${order.name}, and both are the policy of the site`;
    reading.error(path, message);
  }
  return { ...order, name };
}

function fairQuotas(
  reading: SiteReading,
  scheduling: Blocks['scheduling'],
  deps: QuotaDeps,
): WrittenSite['scheduling']['quotas'] {
  const path = ['scheduling', 'config', 'user_quotas'];
  const written = scheduling?.config?.user_quotas ?? {};
  const blocks = Object.entries(written).map(([user, usage]) => ({
    user,
    block: usage,
    path: [...path, user],
  }));
  const named = quotasByUser(reading, blocks, deps);
  return named.map((quota) => ({ ...quota, name: `fair: ${quota.name}` }));
}

function queueNamed(
  reading: SiteReading,
  names: readonly string[],
  written: string,
  path: Path,
): QueueName | undefined {
  if (names.includes(written)) return written as QueueName;
  const near = { word: written.slice(0, 64), words: names };
  reading.error(path, `no queue is called ${shown(written)}`, { near });
  return undefined;
}

/** Backfill plans one queue by priority and age, and knows of nothing else yet. */
function checkBackfill(
  reading: SiteReading,
  { backfill, order, policyPath }: Scheduling,
  has: { readonly quotas: boolean },
): void {
  if (backfill.kind === 'none') return;
  const path = ['scheduling', 'backfill'];
  const line = reading.line(path);
  const contradicts = (at: Path, what: string): void => {
    const message = `${what} cannot be together with the backfill of line ${line}`;
    reading.error(at, message, {
      expected: '`backfill: none`, or one queue by priority',
      at: 'key',
    });
  };
  if (reading.value(['queues']) !== undefined) contradicts(['queues'], 'queues');
  if (reading.value(['multi_tenancy']) !== undefined)
    contradicts(['multi_tenancy'], 'users and teams');
  if (reading.value(['budgets']) !== undefined) contradicts(['budgets'], 'budgets');
  if (has.quotas && reading.value(['quotas']) !== undefined) contradicts(['quotas'], 'quotas');
  if (reading.value(['scheduling', 'config']) !== undefined) {
    contradicts(['scheduling', 'config'], 'quotas and shares');
  }
  if (order.name !== defaultOrder.name && policyPath !== undefined) {
    contradicts(policyPath, `the policy ${order.name}`);
  }
}

/** The same thing may be met on two ways. */
function once(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Of a service that has such a block of its own. */
function scalingOf(reading: SiteReading, block: Blocks['autoscaling']): WrittenSite['autoscaling'] {
  if (block === undefined || block.enabled === false) return undefined;
  return siteAutoscaling(block, reading.errors);
}
