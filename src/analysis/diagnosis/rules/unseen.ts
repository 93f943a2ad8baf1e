import type { Verdict } from '../report.ts';
import type { MetricWindow } from '../window.ts';

/** What cannot be told apart from the outside here, and what would tell it. */
export function unseenRule(window: MetricWindow): Verdict {
  const switches = window.mean('berth_node_context_switches_per_second');
  const rate =
    switches === undefined ? 'unknown' : `${Math.round(switches)} context switches a second`;
  return {
    findings: [],
    looked: [
      {
        resource: 'cache',
        utilisation: undefined,
        saturation: undefined,
        errors: undefined,
        sentence:
          'Unknown: who takes whose CPU cache needs resctrl or counters of the PMU, which Berth does not read.',
      },
      {
        resource: 'locks',
        utilisation: undefined,
        saturation: undefined,
        errors: undefined,
        sentence: `Unknown from counters alone (${rate}); \`berth profile\` of an attempt says how many of its threads wait for each other.`,
      },
    ],
  };
}
