import { Engine } from '../engine/engine.ts';
import type { VolumeSpace } from '../engine/volume-space.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import { makeScheduler, type SchedulingParts } from '../scheduling/make-scheduler.ts';
import type { Plugins } from '../scheduling/plugin.ts';

const TASKS_MAX = 1_000_000;
const ENDED_MAX = 2_000;

export interface SiteTerms {
  readonly scheduling: SchedulingConfig;
  readonly money: MoneyConfig;
  readonly volumes: VolumeSpace;
  /** Of work, given in advance; absent: none. */
  readonly lineMs?: number;
}

/** The engine of a site, without a state: the daemon's own, and copies of it. */
export function siteEngine(terms: SiteTerms, plugins: Plugins, parts: SchedulingParts): Engine {
  const scheduler = makeScheduler(terms.scheduling, plugins, parts);
  return new Engine({ tasksMax: TASKS_MAX, endedMax: ENDED_MAX, ...terms }, { scheduler });
}
