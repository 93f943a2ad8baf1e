import { formatBytes } from '../../../base/format.ts';
import type { KeptSeries } from '../../../telemetry/metric.ts';
import type { Party } from '../../finding.ts';
import { type BottleneckType, CONGESTED, type Congestion, congestionOf } from '../congestion.ts';
import type { Facts, LinkQueue, SocketUse } from '../facts.ts';
import { makeFinding } from '../make-finding.ts';
import { attemptParty } from '../parties.ts';
import { type Possible, ranked, watch } from '../remedies.ts';
import { type DoctorFinding, type Looked, percent, ratioOf, type Verdict } from '../report.ts';
import {
  type Interval,
  type MetricWindow,
  meanWithin,
  sinceWhen,
  worstStretch,
} from '../window.ts';

const SENT = 'berth_node_network_sent_bytes_per_second';
const RECEIVED = 'berth_node_network_received_bytes_per_second';
/** Loss is a share of packets: of few it says nothing. */
const PACKETS_MIN = 100;
const PARTIES_MAX = 5;
const CULPRIT_SHARE_MIN = 0.15;
const DAMAGED_MIN = 0.0001;

interface Link {
  readonly device: string;
  readonly stretch: Interval;
  readonly series: KeptSeries;
  readonly bytesPerSecond: number;
  /** Of what shapes it, or of the link itself. */
  readonly speed: number | undefined;
  readonly utilisation: number | undefined;
  readonly queuePackets: number | undefined;
  readonly loss: number | undefined;
  readonly errors: number | undefined;
  readonly packets: number;
}

/** Each link by the congestion score, and how much of TCP was sent twice. */
export function networkRule(window: MetricWindow, facts: Facts): Verdict {
  const links = linksOf(window, facts.look.queues);
  const looked = links.map(lookedAt);
  const findings = links.flatMap((link): DoctorFinding[] => {
    const congestion = congestionOf(link);
    const congested =
      congestion !== undefined && congestion.score >= CONGESTED
        ? [congestedLink(link, congestion, facts)]
        : [];
    return [...congested, ...damaged(link)];
  });
  return { findings, looked };
}

function linksOf(window: MetricWindow, queues: readonly LinkQueue[]): readonly Link[] {
  const busiest = busiestLink(window);
  return window.all(SENT).flatMap((series): Link[] => {
    const device = series.labels['device'];
    const stretch = worstStretch(series.points, window.stretchMs, window.to);
    if (device === undefined || stretch === undefined) return [];
    const of = (name: string): number | undefined => window.mean(name, { device }, stretch);
    const queue = queues.find((one) => one.device === device);
    const speed =
      queue?.bytesPerSecond ?? window.last('berth_node_network_speed_bytes', { device });
    const received = window.one(RECEIVED, { device });
    // A shaped queue is one way: what is received does not pass it.
    const bytesPerSecond =
      queue?.bytesPerSecond === undefined
        ? Math.max(stretch.mean, (received && meanWithin(received.points, stretch)) ?? 0)
        : stretch.mean;
    const packetsPerSecond =
      (of('berth_node_network_sent_packets_per_second') ?? 0) +
      (of('berth_node_network_received_packets_per_second') ?? 0);
    const packets = (packetsPerSecond * (window.to - window.from)) / 1_000;
    const drops = of('berth_node_network_drops_per_second');
    const dropped = share(drops, packetsPerSecond + (drops ?? 0));
    const again = device === busiest ? retransmitted(window, stretch) : undefined;
    const known = [dropped, again].filter((one) => one !== undefined);
    return [
      {
        device,
        stretch,
        series,
        bytesPerSecond,
        speed,
        utilisation: speed ? ratioOf(bytesPerSecond / speed) : undefined,
        queuePackets: queue?.packets,
        loss: packets < PACKETS_MIN || known.length === 0 ? undefined : Math.max(...known),
        errors: share(of('berth_node_network_errors_per_second'), packetsPerSecond),
        packets,
      },
    ];
  });
}

/** TCP counts for the whole host; the link that carries most is taken for the one it is about. */
function busiestLink(window: MetricWindow): string | undefined {
  return window
    .all(SENT)
    .filter(({ labels }) => labels['device'] !== 'lo')
    .map(({ labels, points }) => ({
      device: labels['device'],
      bytes: meanWithin(points, window) ?? 0,
    }))
    .toSorted((a, b) => b.bytes - a.bytes)[0]?.device;
}

function retransmitted(window: MetricWindow, within: Interval): number | undefined {
  const sent = window.mean('berth_node_tcp_segments_sent_per_second', {}, within);
  const again = window.mean('berth_node_tcp_segments_retransmitted_per_second', {}, within);
  return sent === undefined ? undefined : share(again, sent + (again ?? 0));
}

const share = (part: number | undefined, whole: number): number | undefined =>
  part === undefined || whole <= 0 ? undefined : ratioOf(part / whole);

function lookedAt(link: Link): Looked {
  const { device, utilisation, queuePackets, loss, errors, bytesPerSecond, packets } = link;
  const score = congestionOf(link)?.score;
  const use =
    utilisation === undefined
      ? `${formatBytes(Math.round(bytesPerSecond))}/s at most, its speed is unknown`
      : `${percent(utilisation)} of its speed at most`;
  const queue = queuePackets === undefined ? '' : `, ${queuePackets} packets wait`;
  const lost = loss === undefined ? '' : `, ${percent(loss)} lost or sent again`;
  const congestion = score === undefined ? '' : `; congestion ${Number(score.toFixed(2))}`;
  return {
    resource: `network ${device}`,
    utilisation,
    saturation: score,
    errors: errors === undefined ? undefined : Math.round(errors * packets),
    sentence: `${device}: ${use}${queue}${lost}${congestion}.`,
  };
}

const mitigations: Readonly<Record<BottleneckType, Possible>> = {
  bandwidth: {
    force: 'reallocate',
    remedy: {
      title: 'Share the link out by limits',
      why: 'It carries as much as it can.',
      risk: 'low',
      effect:
        'With `network.bandwidth` in documents, or guarantees of the site, each keeps its part and bulk waits.',
      command: 'berth network',
    },
  },
  queue: {
    force: 'reallocate',
    remedy: {
      title: 'Give the link a short and fair queue',
      why: 'Packets wait in a long queue, and short requests behind bulk.',
      risk: 'medium',
      effect: 'Latency falls; bulk transfers keep their rate.',
      command: undefined,
    },
  },
  loss: {
    force: 'reallocate',
    remedy: {
      title: 'Slow the senders, or mend the link',
      why: 'What is dropped is sent again, and takes the room of new data.',
      risk: 'low',
      effect: 'Less is sent twice; connections become faster.',
      command: 'berth network',
    },
  },
};

function congestedLink(link: Link, congestion: Congestion, facts: Facts): DoctorFinding {
  const { device, stretch, series, utilisation, queuePackets, loss } = link;
  const { bottleneck, score } = congestion;
  const culprits = senders(facts);
  const [first] = culprits;
  const who = first === undefined ? '' : ` Most of it: ${first.id} ${first.sentence}.`;
  const labels = { device };
  const command =
    bottleneck === 'queue' ? `tc qdisc replace dev ${device} root fq_codel` : undefined;
  const mitigation = mitigations[bottleneck];
  const rate = link.speed === undefined ? '' : ` of ${formatBytes(Math.round(link.speed))}/s`;
  return makeFinding({
    id: `network-congestion:${device}`,
    kind: 'network-congestion',
    resource: 'network',
    score,
    sentence: `${device} is congested (score ${Number(score.toFixed(2))}, mostly ${bottleneck}): ${utilisation === undefined ? 'speed unknown' : `${percent(utilisation)}${rate}`}, ${queuePackets ?? 'unknown'} packets wait, ${loss === undefined ? 'loss unknown' : `${percent(loss)} lost or sent again`}.${who}`,
    since: sinceWhen(series.points, stretch, link.bytesPerSecond * 0.8),
    evidence: [
      {
        name: SENT,
        labels,
        unit: 'bytes',
        value: link.bytesPerSecond,
        threshold: link.speed === undefined ? undefined : link.speed * 0.8,
        sentence: 'Bytes a second over the link',
      },
      {
        name: 'berth_node_tcp_segments_retransmitted_per_second',
        labels: {},
        unit: 'ratio',
        value: loss,
        threshold: 0.001,
        sentence: 'Share of packets that were dropped or sent again',
      },
    ],
    culprits,
    remedies: ranked([
      {
        ...mitigation,
        remedy: { ...mitigation.remedy, command: command ?? mitigation.remedy.command },
      },
      ...culprits
        .filter(({ workload }) => workload !== undefined)
        .slice(0, 1)
        .map(
          ({ workload, id }): Possible => ({
            force: 'pause',
            remedy: {
              title: `Pause ${workload}`,
              why: `${id} sends and receives most.`,
              risk: 'medium',
              effect: 'The link is free for others; its connections may time out.',
              command: `berth pause ${workload}`,
            },
          }),
        ),
      watch(SENT),
    ]),
  });
}

/** Who sent and received most over TCP while somebody looked. */
function senders({ look, tasks }: Facts): readonly Party[] {
  const known = new Map(tasks.map((task) => [task.attempt, task]));
  const total = look.sockets.reduce((sum, one) => sum + one.bytesPerSecond, 0);
  const bytes = new Map<string, { use: SocketUse; bytesPerSecond: number }>();
  for (const use of look.sockets) {
    const key = use.attempt ?? String(use.pid ?? use.command);
    const sum = (bytes.get(key)?.bytesPerSecond ?? 0) + use.bytesPerSecond;
    bytes.set(key, { use, bytesPerSecond: sum });
  }
  return [...bytes.entries()]
    .filter(([, one]) => total > 0 && one.bytesPerSecond >= total * CULPRIT_SHARE_MIN)
    .toSorted(([a, x], [b, y]) => y.bytesPerSecond - x.bytesPerSecond || (a < b ? -1 : 1))
    .slice(0, PARTIES_MAX)
    .map(([key, { use, bytesPerSecond }]): Party => {
      const part = bytesPerSecond / total;
      const task = use.attempt === undefined ? undefined : known.get(use.attempt);
      const sentence = `moves ${formatBytes(Math.round(bytesPerSecond))}/s, ${percent(part)} of all that TCP moves now`;
      if (task !== undefined) return { ...attemptParty(task, part), sentence };
      return {
        kind: 'process',
        id: key,
        workload: undefined,
        tenant: undefined,
        share: part,
        sentence: `(${use.command}, not of Berth) ${sentence}`,
      };
    });
}

function damaged({ device, errors, packets }: Link): readonly DoctorFinding[] {
  const count = errors === undefined ? 0 : Math.round(errors * packets);
  if (errors === undefined || errors < DAMAGED_MIN || count < 10) return [];
  const name = 'berth_node_network_errors_per_second';
  return [
    makeFinding({
      id: `network-errors:${device}`,
      kind: 'network-errors',
      resource: 'network',
      score: 0.4 + ratioOf(errors * 60),
      sentence: `${device}: ${count} packets, ${percent(errors)}, were damaged: a cable, a transceiver or a driver.`,
      since: undefined,
      evidence: [
        {
          name,
          labels: { device },
          unit: 'none',
          value: errors,
          threshold: DAMAGED_MIN,
          sentence: 'Share of packets that were damaged',
        },
      ],
      remedies: ranked([
        {
          force: 'priority',
          remedy: {
            title: `Look at what the driver counts of ${device}`,
            why: 'Its own counters say which kind of damage it is.',
            risk: 'none',
            effect: 'Nothing changes.',
            command: `ethtool -S ${device}`,
          },
        },
        watch(name),
      ]),
    }),
  ];
}
