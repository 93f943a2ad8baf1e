import type { BasisPoints, SpanMs } from '../../src/base/units.ts';
import type { ProbeSpec, ReplicaShare, ServiceTerms } from '../../src/model/service.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { resources, step, workload } from './workload.ts';

export const span = (ms: number): SpanMs => ms as SpanMs;
export const replicas = (count: number): ReplicaShare => ({ kind: 'count', count });
export const percent = (part: number): ReplicaShare => ({
  kind: 'part',
  part: (part * 100) as BasisPoints,
});

export const probe: ProbeSpec = {
  check: { kind: 'exec', argv: ['true'] },
  everyMs: span(1_000),
  timeoutMs: span(1_000),
  failures: 3,
  successes: 1,
  initialDelayMs: span(0),
};

interface Changes extends Partial<Omit<ServiceTerms, 'update'>> {
  readonly update?: Partial<ServiceTerms['update']>;
}

export function serviceTerms({ update, ...changes }: Changes = {}): ServiceTerms {
  return {
    ports: [],
    readiness: probe,
    liveness: probe,
    restart: { backoffMs: span(1_000), backoffMaxMs: span(60_000), resetAfterMs: span(300_000) },
    update: {
      strategy: 'rolling',
      maxSurge: replicas(1),
      maxUnavailable: replicas(0),
      canary: { replicas: replicas(1), holdMs: span(10_000) },
      rollback: true,
      deadlineMs: span(60_000),
      ...update,
    },
    drainMs: span(5_000),
    ...changes,
  };
}

/** A service `web` of small replicas. */
export function service(count: number, changes: Changes = {}): WorkloadSpec {
  const only = step('web', {
    count,
    request: resources({ cpu: 100, memory: 1024 ** 2 }),
    service: serviceTerms(changes),
  });
  return { ...workload('web', only), kind: 'service' };
}
