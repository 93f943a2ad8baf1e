import type { OrderConfig } from '../model/scheduling-config.ts';
import type { NodeTable } from './node-table.ts';
import type { OrderRule, TenantFacts } from './order.ts';
import type {
  FilterPlugin,
  OrderPlugin,
  PluginWatch,
  ScorerPlugin,
  SiteFilter,
  TableView,
} from './plugin.ts';
import type { Candidate } from './scheduler.ts';
import { SCORE_MAX, type Scorer } from './scorer.ts';

const SHOWN_MAX = 60;
const PROBLEM_MAX = 300;

/** Calls one plug-in until it fails once: by throwing, or by an answer that is none. */
class Guard {
  readonly name: string;
  problem: string | undefined;
  readonly #watch: PluginWatch;

  constructor(name: string, watch: PluginWatch) {
    this.name = name;
    this.#watch = watch;
  }

  /** What `ask` answers, or `instead` from the first failure on. */
  call<T>(part: string, ask: () => unknown, check: Check<T>, instead: T): T {
    if (this.problem !== undefined) return instead;
    const before = this.#watch.now();
    try {
      const answer = ask();
      this.#watch.spent(this.name, this.#watch.now() - before);
      if (check.holds(answer)) return answer;
      this.#fail(`${part} returned ${shown(answer)}, which is not ${check.wanted}`);
    } catch (error) {
      this.#fail(`${part} threw ${shownError(error)}`);
    }
    return instead;
  }

  #fail(problem: string): void {
    this.problem = problem.slice(0, PROBLEM_MAX);
    this.#watch.setAside(this.name, this.problem);
  }
}

interface Check<T> {
  readonly wanted: string;
  readonly holds: (answer: unknown) => answer is T;
}

const aScore: Check<number> = {
  wanted: `an integer from 0 to ${SCORE_MAX}`,
  holds: (answer): answer is number =>
    Number.isInteger(answer) && Number(answer) >= 0 && Number(answer) <= SCORE_MAX,
};
const anInteger: Check<number> = {
  wanted: 'a safe integer',
  holds: (answer): answer is number => Number.isSafeInteger(answer),
};
const aVerdict: Check<boolean> = {
  wanted: 'true or false',
  holds: (answer): answer is boolean => typeof answer === 'boolean',
};
const aRule: Check<OrderRule | undefined> = {
  wanted: 'a rule with taskClass and heapRank, and no other members than functions',
  holds: (answer): answer is OrderRule =>
    typeof answer === 'object' &&
    answer !== null &&
    'taskClass' in answer &&
    'heapRank' in answer &&
    !('classShifts' in answer && answer.classShifts) &&
    ['taskClass', 'heapRank', 'headRank', 'tenantRank', 'draw'].every((name) => {
      const member: unknown = Reflect.get(answer, name);
      return member === undefined || typeof member === 'function';
    }),
};

/** Scores all nodes alike once the plug-in has failed, so that ties break as ever. */
export function guardScorer(plugin: ScorerPlugin, watch: PluginWatch): Scorer {
  const guard = new Guard(plugin.name, watch);
  return {
    name: plugin.name,
    what: plugin.what,
    readsNodes: true,
    score(table, row, ask) {
      if (guard.problem !== undefined) return 0;
      const score = guard.call('score', () => plugin.score(viewOf(table), row, ask), aScore, 0);
      if (guard.problem !== undefined) table.markAll();
      return score;
    },
  };
}

/** Lets nothing pass once the plug-in has failed. */
export function guardFilter(plugin: FilterPlugin, watch: PluginWatch): SiteFilter {
  const { name } = plugin;
  const guard = new Guard(name, watch);
  return {
    name,
    get failure(): SiteFilter['failure'] {
      const { problem } = guard;
      return problem === undefined ? undefined : { code: 'plugin-failed', plugin: name, problem };
    },
    passes(table, row, ask) {
      if (guard.problem !== undefined) return false;
      const asked = () => plugin.passes(viewOf(table), row, ask);
      const passes = guard.call('passes', asked, aVerdict, false);
      if (guard.problem !== undefined) table.markAll();
      return passes;
    },
  };
}

/**
 * Its rule for each queue until it fails in one; all then go on by their `fallback`. Ranks that must not change while
 * a task waits are asked for once per task.
 */
export function guardOrder(
  plugin: OrderPlugin,
  watch: PluginWatch,
): (config: OrderConfig, fallback: OrderRule) => OrderRule {
  const guard = new Guard(plugin.name, watch);
  return (config, fallback) => guardedRule(guard, plugin, config, fallback);
}

function guardedRule(
  guard: Guard,
  plugin: OrderPlugin,
  config: OrderConfig,
  fallback: OrderRule,
): OrderRule {
  const rule = guard.call<OrderRule | undefined>(
    'rule',
    () => plugin.rule(config),
    aRule,
    undefined,
  );
  if (rule === undefined) return fallback;
  const { tenantRank, headRank, draw } = rule;
  const rank = (part: string, ask: () => unknown): number => guard.call(part, ask, anInteger, 0);
  return {
    instead: () => (guard.problem === undefined ? undefined : fallback),
    taskClass: once((task) => rank('taskClass', () => rule.taskClass(task, task.waitingSince))),
    heapRank: once((task) => rank('heapRank', () => rule.heapRank(task))),
    ...(headRank && {
      headRank: (task, at, tenant, queue) =>
        rank('headRank', () => headRank(task, at, tenant, queue)),
    }),
    ...(tenantRank && {
      tenantRank: (tenant, at, queue) => rank('tenantRank', () => tenantRank(tenant, at, queue)),
    }),
    ...(draw && {
      draw: (tenants, queue) =>
        guard.call('draw', () => draw([...tenants], queue), oneOf(tenants), tenants[0]!),
    }),
  };
}

const oneOf = (tenants: readonly TenantFacts[]): Check<TenantFacts> => ({
  wanted: 'one of the tenants that it was given',
  holds: (answer): answer is TenantFacts => tenants.some((tenant) => tenant === answer),
});

function once(ask: (task: Candidate) => number): (task: Candidate) => number {
  const known = new WeakMap<Candidate, { readonly shape: number; readonly rank: number }>();
  return (task) => {
    const found = known.get(task);
    // A retry may ask for more: it waits anew, and is another one to the order.
    if (found !== undefined && found.shape === task.shape) return found.rank;
    const rank = ask(task);
    known.set(task, { shape: task.shape, rank });
    return rank;
  };
}

const views = new WeakMap<NodeTable, TableView>();

/** Reads the table and cannot write it. */
function viewOf(table: NodeTable): TableView {
  let view = views.get(table);
  if (view === undefined) {
    view = Object.freeze<TableView>({
      get rows() {
        return table.rows;
      },
      node: (row) => table.node(row),
      freeCpu: (row) => table.freeCpu(row),
      freeMemory: (row) => table.freeMemory(row),
      freeCustom: (row, name) => table.freeCustom(row, name),
      freeGpu: (row) => [...table.freeGpu(row)],
      freeGpuSum: (row) => table.freeGpuSum(row),
      wholeGpus: (row) => table.wholeGpus(row),
      gpuFreeFor: (row, gpu) => table.gpuFreeFor(row, gpu),
    });
    views.set(table, view);
  }
  return view;
}

function shown(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null) {
    return 'then' in answer ? 'a promise' : 'an object';
  }
  if (typeof answer === 'function') return 'a function';
  if (typeof answer === 'string') return JSON.stringify(answer.slice(0, SHOWN_MAX));
  return String(answer);
}

/** The message, and the first place of the stack that has a line. */
function shownError(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'object' ? 'an object' : shown(error);
  const place = /\(?((?:file:\/\/)?\/[^\s()]+:\d+:\d+)\)?/.exec(String(error.stack))?.[1];
  const at = place === undefined ? '' : ` at ${place.replace('file://', '')}`;
  return `${String(error.name)}: ${String(error.message).slice(0, PROBLEM_MAX / 2)}${at}`;
}
