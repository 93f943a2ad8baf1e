import type { Labels, MetricFamily, MetricUnit } from '../metric.ts';
import { semanticNames } from './semantic-names.ts';

/** What a family is called by the rules of OpenTelemetry, and what is said of its series. */
export interface OtlpName {
  readonly name: string;
  /** Of UCUM; empty where there is none, or the name says it. */
  readonly unit: string;
  /** A sum that grows and falls with what is there, such as memory in use. */
  readonly isUpDown: boolean;
  attributesOf(labels: Labels): Readonly<Record<string, string | number>>;
}

const ucum: Readonly<Record<MetricUnit, string>> = {
  none: '',
  ratio: '1',
  seconds: 's',
  bytes: 'By',
  hertz: 'Hz',
  celsius: 'Cel',
  watts: 'W',
  joules: 'J',
  dollars: '',
};

/** Name spaces below `berth.`; what follows is one word. */
const spaces =
  /^berth_((?:node|gpu|task|tenant|queue|service|daemon|sampler|objective|told|otlp)_)?(.+)$/;

/**
 * By the conventions of OpenTelemetry where they have a name for the same thing; else its own, without unit and
 * `_total`, and `berth.node.` for `berth_node_`: what makes names of Prometheus of these finds those that are scraped.
 */
export function otlpName({ name, kind, unit }: MetricFamily): OtlpName {
  const known = semanticNames[name];
  if (known !== undefined) {
    const { labels: renamed = {}, with: added = {} } = known;
    return {
      name: known.name,
      unit: known.unit,
      isUpDown: known.isUpDown ?? false,
      attributesOf: (labels) => ({ ...renamedOf(labels, renamed), ...added }),
    };
  }
  const counted = kind === 'counter' ? name.replace(/_total$/, '') : name;
  const bare = ucum[unit] === '' ? counted : counted.replace(new RegExp(`_${unit}$`), '');
  // A ratio that only falls or grows has no ending in Prometheus.
  const hasUnit = bare !== counted && !(unit === 'ratio' && kind !== 'gauge');
  const [, space = '', rest] = spaces.exec(bare) ?? [];
  return {
    name: rest === undefined ? bare : `berth.${space.replace('_', '.')}${rest}`,
    unit: hasUnit ? ucum[unit] : '',
    isUpDown: false,
    attributesOf: (labels) => labels,
  };
}

function renamedOf(labels: Labels, renamed: Readonly<Record<string, string>>) {
  const found: Record<string, string | number> = {};
  for (const [label, value] of Object.entries(labels)) {
    const name = renamed[label] ?? label;
    // The conventions have the number of a CPU as a number.
    found[name] = name === 'cpu.logical_number' && /^\d+$/.test(value) ? Number(value) : value;
  }
  return found;
}
