import type { z } from 'zod';
import {
  type BasisPoints,
  type MicroDollars,
  type SpanMs,
  spanMs,
  UNLIMITED,
} from '../base/units.ts';
import type {
  FailureTerms,
  NetworkTerms,
  OutageTerms,
  PlannedOutage,
  RequestTerms,
  SpotPoolTerms,
  WorldTerms,
} from '../model/world.ts';
import type { Path } from './issue.ts';
import type { SiteReading } from './site-reading.ts';
import {
  type failuresSchema,
  type networkSchema,
  type outageSchema,
  type requestsSchema,
  type spotSchema,
  type WorldBlock,
  worldSchema,
} from './world-schema.ts';

type Outage = z.output<typeof outageSchema>;

/** The block `world` at this place; what is wrong is told to `reading`. */
export function readWorld(reading: SiteReading, path: Path): WorldTerms {
  const block: WorldBlock = reading.read(worldSchema, path) ?? {};
  const { failures, spot, network, checkpoints, gpu_sharing: gpu, slowdowns, requests } = block;
  return {
    ...(failures && { failures: readFailures(failures, reading, [...path, 'failures']) }),
    ...(spot && { spot: spot.map(readPool) }),
    ...(network && { network: readNetwork(network, reading, [...path, 'network']) }),
    ...(checkpoints && {
      checkpoints: {
        ...(checkpoints.every !== undefined && { everyMs: checkpoints.every }),
        saveMs: checkpoints.save ?? spanMs(0),
        restartMs: checkpoints.restart ?? spanMs(0),
        onStop: checkpoints.on_stop ?? true,
      },
    }),
    ...(gpu && {
      gpuSharing: {
        sliceMs: gpu.slice ?? 20,
        switchMs: gpu.switch ?? 2,
        demand: gpu.demand ?? 'request',
        contention: (gpu.contention ?? 1_000) / 10_000,
      },
    }),
    ...(slowdowns && {
      slowdowns: slowdowns.map(({ after, over, pace, label, value }, i) => {
        checkLabel(reading, [...path, 'slowdowns', i], label, value);
        if (pace > 10_000) reading.error([...path, 'slowdowns', i, 'pace'], 'this is faster');
        return {
          afterMs: after ?? spanMs(0),
          overMs: over ?? spanMs(0),
          pace: pace / 10_000,
          ...(label !== undefined && value !== undefined && { label, value }),
        };
      }),
    }),
    ...(requests && { requests: readRequests(requests) }),
  };
}

function checkLabel(reading: SiteReading, path: Path, label?: string, value?: string): void {
  if ((label === undefined) === (value === undefined)) return;
  const [there, missing] = label === undefined ? ['value', 'label'] : ['label', 'value'];
  reading.error([...path, there], `\`${there}\` is given without \`${missing}\``, { at: 'key' });
}

function readOutage({ mtbf, shape, mttr, mttr_sigma: sigma }: Outage): OutageTerms {
  return {
    between: {
      kind: shape === undefined || shape === 1 ? 'exponential' : 'weibull',
      meanMs: mtbf,
      shape: shape ?? 1,
    },
    repair: {
      kind: sigma === undefined ? 'exponential' : sigma === 0 ? 'fixed' : 'lognormal',
      meanMs: mttr,
      shape: sigma ?? 1,
    },
  };
}

function readFailures(
  { nodes, groups = [], planned = [] }: z.output<typeof failuresSchema>,
  reading: SiteReading,
  path: Path,
): FailureTerms {
  return {
    ...(nodes && { nodes: readOutage(nodes) }),
    groups: groups.map(({ label, ...outage }) => ({ label, ...readOutage(outage) })),
    planned: planned.flatMap(({ after, for: away, node, label, value }, i): PlannedOutage[] => {
      const at = [...path, 'planned', i];
      checkLabel(reading, at, label, value);
      const terms = { afterMs: after, forMs: away ?? (UNLIMITED as SpanMs) };
      if (node !== undefined && label === undefined) return [{ ...terms, who: { node } }];
      if (node === undefined && label !== undefined && value !== undefined) {
        return [{ ...terms, who: { label, value } }];
      }
      if (node !== undefined) {
        reading.error([...at, 'node'], 'a node and a label are given', { at: 'key' });
      } else if (label === undefined && value === undefined) {
        reading.error(at, 'nothing says who fails', { expected: '`node`, or `label` and `value`' });
      }
      return [];
    }),
  };
}

function readPool(block: z.output<typeof spotSchema>[number]): SpotPoolTerms {
  const { type, base, on_demand: onDemand, prices } = block;
  return {
    ...(type !== undefined && { type }),
    base,
    onDemand,
    bid: (block.bid ?? onDemand) as MicroDollars,
    noticeMs: block.notice ?? spanMs(120_000),
    awayMs: block.away ?? spanMs(1_800_000),
    stepMs: block.step ?? spanMs(60_000),
    betweenMs: block.interrupted ?? (UNLIMITED as SpanMs),
    tremble: block.tremble ?? (100 as BasisPoints),
    reversion: block.reversion ?? (500 as BasisPoints),
    jumpsPerMillion: block.jumps_per_million ?? 20,
    jumpMax: block.jump_max ?? (10_000 as BasisPoints),
    ...(prices !== undefined && { prices }),
  };
}

function readNetwork(
  block: z.output<typeof networkSchema>,
  reading: SiteReading,
  path: Path,
): NetworkTerms {
  const { fabric, links = [], failures, fetch, datasets = {}, keeps, weights } = block;
  if (fabric === undefined && links.length === 0) {
    const expected = '`fabric` or `links`';
    reading.error(path, 'there is nothing to go over', { expected, at: 'key' });
  }
  links.forEach(({ a, b }, i) => {
    if (a === b) reading.error([...path, 'links', i, 'b'], 'it is connected with itself');
  });
  return {
    ...(fabric && {
      fabric: {
        spines: fabric.spines,
        nodeLink: fabric.node_link,
        uplink: fabric.uplink,
        ...(fabric.storage_link !== undefined && { storageLink: fabric.storage_link }),
      },
    }),
    links,
    ...(failures && { failures: readOutage(failures) }),
    ...(fetch && { fetch }),
    datasets: Object.fromEntries(
      Object.entries(datasets).map(([name, { size, at = [] }]) => [name, { size, at }]),
    ),
    keeps: keeps ?? true,
    weights: {
      guaranteed: weights?.guaranteed ?? 4,
      burstable: weights?.burstable ?? 2,
      'best-effort': weights?.best_effort ?? 1,
    },
  };
}

export function readRequests(block: z.output<typeof requestsSchema>): RequestTerms {
  return {
    workload: block.workload,
    rate: block.rate,
    serves: block.serves,
    timeoutMs: block.timeout,
    retries: block.retries ?? 3,
    backoffMs: block.backoff ?? spanMs(500),
    queueMax: block.queue,
    onKill: block.on_kill ?? 'worker',
    rebootMs: block.reboot ?? spanMs(600_000),
    warmupMs: block.warmup ?? spanMs(5_000),
    ...readCures(block),
  };
}

export function readCures({
  breaker,
  backpressure,
  bulkhead,
}: Pick<z.output<typeof requestsSchema>, 'breaker' | 'backpressure' | 'bulkhead'>): Pick<
  RequestTerms,
  'breaker' | 'backpressure' | 'bulkhead'
> {
  return {
    ...(breaker && {
      breaker: { failures: breaker.failures, windowMs: breaker.window, openMs: breaker.open },
    }),
    ...(backpressure && { backpressure: { queueMax: backpressure.queue } }),
    ...(bulkhead && { bulkhead }),
  };
}
