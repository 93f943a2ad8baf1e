import { formatBytes } from '../../../base/format.ts';
import { type BuddyZone, freeBytes, HUGE_PAGE_ORDER, unusableFree } from '../buddyinfo.ts';
import type { Facts } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { ranked, watch } from '../remedies.ts';
import { type DoctorFinding, type Looked, percent, ratioOf, type Verdict } from '../report.ts';
import { type MetricWindow, sinceWhen } from '../window.ts';

const UNUSABLE = 'berth_node_memory_unusable_free_ratio';
const STALLS = 'berth_node_compact_stalls_per_second';
/** A machine that has run for days is fragmented and well: only who waits for whole blocks suffers. */
const STALLS_MIN = 0.1;
const UNUSABLE_MIN = 0.5;
/** Orders that people are told of: 64 KiB, 2 MiB, 4 MiB. */
const ORDERS_SHOWN = [4, HUGE_PAGE_ORDER, 10];

/** Free memory that lies in blocks too small for huge pages, by zone, and whether anybody waits for larger ones. */
export function fragmentationRule(window: MetricWindow, { look }: Facts): Verdict {
  const stalls = window.worst(STALLS);
  const looked = [
    ...look.zones.filter(({ blocks }) => freeBytes({ blocks }) > 0).map(zoneLooked),
    ...(look.zones.length === 0 ? window.all(UNUSABLE).map(seriesLooked) : []),
  ];
  const worst = worstZone(window, look.zones);
  if (
    stalls === undefined ||
    stalls.mean < STALLS_MIN ||
    worst === undefined ||
    worst.unusable < UNUSABLE_MIN
  ) {
    return { findings: [], looked };
  }
  const finding: DoctorFinding = makeFinding({
    id: 'memory-fragmentation',
    kind: 'memory-fragmentation',
    resource: 'memory',
    score: 0.4 * worst.unusable + 0.4 * ratioOf(stalls.mean / 10),
    sentence: `Free memory is in pieces: ${percent(worst.unusable)} of it in ${worst.where} is too small for a huge page, and ${Number(stalls.mean.toFixed(1))} allocations a second waited for compaction.`,
    since: sinceWhen(window.one(STALLS)!.points, stalls, STALLS_MIN),
    evidence: [
      {
        name: UNUSABLE,
        labels: worst.labels,
        unit: 'ratio',
        value: worst.unusable,
        threshold: UNUSABLE_MIN,
        sentence: 'Share of free memory in blocks too small for 2 MiB',
      },
      {
        name: STALLS,
        labels: {},
        unit: 'none',
        value: stalls.mean,
        threshold: STALLS_MIN,
        sentence: 'Allocations a second that waited for compaction',
      },
    ],
    remedies: ranked([
      {
        force: 'gradual',
        remedy: {
          title: 'Compact memory once, as root',
          why: 'The kernel moves pages together, so that large blocks come free.',
          risk: 'low',
          effect:
            'It takes some CPU for seconds; then huge pages are to be had again, for a while.',
          command: 'echo 1 > /proc/sys/vm/compact_memory',
        },
      },
      {
        force: 'prevent',
        remedy: {
          title: 'Reserve huge pages for the tasks that need them',
          why: 'What is reserved at boot is never in pieces.',
          risk: 'medium',
          effect: 'They are always to be had; the memory is lost for all else.',
          command: undefined,
        },
      },
      watch(UNUSABLE),
    ]),
  });
  return { findings: [finding], looked };
}

function worstZone(window: MetricWindow, zones: readonly BuddyZone[]) {
  // A zone with little memory is not where a huge page would come from.
  const largest = zones.toSorted((a, b) => freeBytes(b) - freeBytes(a))[0];
  if (largest !== undefined) {
    const unusable = unusableFree(largest, HUGE_PAGE_ORDER) ?? 0;
    const { numa, zone } = largest;
    const labels = { numa: String(numa), zone };
    return { unusable, where: `node ${numa}, zone ${zone}`, labels };
  }
  const [series] = window.all(UNUSABLE);
  if (series === undefined) return undefined;
  const { numa, zone } = series.labels;
  const unusable = series.points.at(-1)!.last;
  return { unusable, where: `node ${numa}, zone ${zone}`, labels: series.labels };
}

function zoneLooked(zone: BuddyZone): Looked {
  const parts = ORDERS_SHOWN.map((order) => {
    const unusable = unusableFree(zone, order);
    return `${percent(unusable ?? 0)} for ${formatBytes(4_096 * 2 ** order)}`;
  });
  return {
    resource: `memory blocks ${zone.numa}/${zone.zone}`,
    utilisation: undefined,
    saturation: unusableFree(zone, HUGE_PAGE_ORDER),
    errors: undefined,
    sentence: `Node ${zone.numa}, zone ${zone.zone}: of ${formatBytes(freeBytes(zone))} free, unusable are ${parts.join(', ')}.`,
  };
}

const seriesLooked = ({ labels, points }: ReturnType<MetricWindow['all']>[number]): Looked => ({
  resource: `memory blocks ${labels['numa']}/${labels['zone']}`,
  utilisation: undefined,
  saturation: points.at(-1)!.last,
  errors: undefined,
  sentence: `Node ${labels['numa']}, zone ${labels['zone']}: ${percent(points.at(-1)!.last)} of free memory is unusable for 2 MiB.`,
});
