import { makeFinding } from '../make-finding.ts';
import { ranked, watch } from '../remedies.ts';
import { ratioOf, type Verdict } from '../report.ts';
import { type MetricWindow, sinceWhen } from '../window.ts';

const THROTTLES = 'berth_node_thermal_throttles_per_second';
const TEMPERATURE = 'berth_node_temperature_celsius';
const WATTS = 'berth_node_power_watts';
const THROTTLES_MIN = 0.01;

/** Heat and power, where the machine measures them. */
export function powerRule(window: MetricWindow): Verdict {
  const temperatures = window
    .all(TEMPERATURE)
    .flatMap(({ points }) => points.map(({ max }) => max));
  const hottest = temperatures.length === 0 ? undefined : Math.max(...temperatures);
  const watts = window.sum(WATTS);
  const throttles = window
    .all(THROTTLES)
    .map(({ labels }) => ({ labels, stretch: window.worst(THROTTLES, labels) }))
    .filter((one) => one.stretch !== undefined)
    .toSorted((a, b) => b.stretch!.mean - a.stretch!.mean)[0];
  const perSecond = throttles?.stretch?.mean;
  const parts = [
    hottest === undefined ? 'no temperature is measured' : `${Math.round(hottest)} °C at most`,
    watts === undefined ? 'no power is measured' : `${Math.round(watts)} W`,
    perSecond === undefined
      ? 'slowing for heat is not measured'
      : `slowed for heat ${Number(perSecond.toFixed(2))} times a second`,
  ];
  const looked = [
    {
      resource: 'power',
      utilisation: undefined,
      saturation: perSecond,
      errors: undefined,
      sentence: `${parts.join(', ').replace(/^n/, 'N')}.`,
    },
  ];
  if (throttles === undefined || perSecond === undefined || perSecond < THROTTLES_MIN) {
    return { findings: [], looked };
  }
  const { labels, stretch } = throttles;
  const finding = makeFinding({
    id: 'thermal-throttling',
    kind: 'thermal-throttling',
    resource: 'power',
    score: 0.5 + 0.5 * ratioOf(perSecond),
    sentence: `CPU ${labels['cpu'] ?? '?'} was slowed for heat ${Number(perSecond.toFixed(2))} times a second.`,
    since: sinceWhen(window.one(THROTTLES, labels)!.points, stretch!, THROTTLES_MIN),
    evidence: [
      {
        name: THROTTLES,
        labels,
        unit: 'none',
        value: perSecond,
        threshold: THROTTLES_MIN,
        sentence: 'Times a second that it was slowed for heat',
      },
    ],
    remedies: ranked([
      {
        force: 'priority',
        remedy: {
          title: 'Cool it better, or let it run slower all the time',
          why: 'A CPU that is slowed for heat is no faster than one that stays below it.',
          risk: 'low',
          effect: 'The same work at a steady pace.',
          command: undefined,
        },
      },
      watch(THROTTLES),
    ]),
  });
  return { findings: [finding], looked };
}
