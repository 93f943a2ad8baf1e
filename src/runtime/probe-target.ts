import type { TimeMs } from '../base/units.ts';
import type { AttemptRecord } from '../engine/records.ts';
import type { IsolationTerms } from '../model/execution-terms.ts';
import type { AttemptId } from '../model/ids.ts';
import type { ProbeCheck, ProbeKind, ProbeSpec } from '../model/service.ts';
import type { AttemptStart } from './ports.ts';

/** What is tried of one attempt at the moment. */
export interface ProbeTarget {
  readonly attempt: AttemptId;
  readonly startedAt: TimeMs;
  readonly probes: readonly { readonly kind: ProbeKind; readonly spec: ResolvedProbe }[];
  /** As its task has them: for programs that are run. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** As its driver reported it; absent where that is not known. */
  readonly pid?: number;
  /** Of the calls that it may not make. */
  readonly seccomp?: IsolationTerms['seccomp'];
}

export type ResolvedProbe = Omit<ProbeSpec, 'check'> & { readonly check: ResolvedCheck };

/** With the port that the attempt got. */
export type ResolvedCheck =
  | { readonly kind: 'http'; readonly path: string; readonly port: number }
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'exec'; readonly argv: readonly string[] };

/** Which probes say something about the attempt now; empty for one that has not begun, or is on its way out. */
export function probesDue({ task, startedAt, stop, end, health }: AttemptRecord): ProbeKind[] {
  const terms = task.step.spec.service;
  if (terms === undefined || startedAt === undefined) return [];
  if (stop !== undefined || end !== undefined || task.retiringSince !== undefined) return [];
  if (health?.isFailing === true) return [];
  const kinds: readonly ProbeKind[] =
    health?.isUp === true ? ['readiness', 'liveness'] : ['startup'];
  return kinds.filter((kind) => terms[kind] !== undefined);
}

/** All that is needed to try them; undefined where there is nothing to try. */
export function probeTarget(
  attempt: AttemptRecord,
  start: (attempt: AttemptRecord) => AttemptStart,
): ProbeTarget | undefined {
  const kinds = probesDue(attempt);
  if (kinds.length === 0) return undefined;
  const terms = attempt.task.step.spec.service!;
  const { ports = {} } = attempt.placement;
  const probes = kinds.flatMap((kind) => {
    const spec = terms[kind]!;
    const check = resolve(spec.check, ports);
    return check === undefined ? [] : [{ kind, spec: { ...spec, check } }];
  });
  const { env, cwd, execution } = start(attempt);
  const { pid } = attempt;
  const seccomp = execution?.isolation?.seccomp;
  return {
    attempt: attempt.id,
    startedAt: attempt.startedAt!,
    probes,
    env,
    cwd,
    ...(pid !== undefined && { pid }),
    ...(seccomp !== undefined && { seccomp }),
  };
}

/** Undefined where the port was not given. */
function resolve(
  check: ProbeCheck,
  ports: Readonly<Record<string, number>>,
): ResolvedCheck | undefined {
  if (check.kind === 'exec') return check;
  const port = typeof check.port === 'number' ? check.port : ports[check.port];
  return port === undefined ? undefined : { ...check, port };
}
