import { z } from 'zod';
import { type BasisPoints, spanMs } from '../base/units.ts';
import {
  PORTS_MAX,
  type ProbeCheck,
  type ProbeSpec,
  REPLICAS_MAX,
  type ReplicaShare,
  type ServiceTerms,
} from '../model/service.ts';
import { either, plainValue, quantity, text, wholeNumber } from './fields.ts';
import type { Path, Problem } from './issue.ts';
import { parseSpan, printSpan } from './quantities.ts';

const spanForm = 'span such as 90s, 1h30m or 250ms; a bare number is seconds';
const PORT_NAME = /^[a-z][a-z0-9-]{0,30}$/;

/** What holds where a service says nothing. */
export const serviceDefaults = {
  everyMs: spanMs(10_000),
  timeoutMs: spanMs(1_000),
  failures: 3,
  successes: 1,
  initialDelayMs: spanMs(0),
  backoffMs: spanMs(1_000),
  backoffMaxMs: spanMs(300_000),
  resetAfterMs: spanMs(600_000),
  holdMs: spanMs(60_000),
  deadlineMs: spanMs(600_000),
  drainMs: spanMs(5_000),
} as const;

const span = (description: string, initial: number, positive = false) =>
  quantity(parseSpan, {
    description,
    form: spanForm,
    finite: true,
    positive,
    default: printSpan(spanMs(initial)),
  }).optional();

const replicaShare = (description: string, initial?: string) =>
  either(
    wholeNumber(0, REPLICAS_MAX, { description: 'So many.' }),
    z
      .string()
      .regex(/^(100|[1-9]?[0-9])%$/, { error: 'a part such as 25%' })
      .meta({ description: 'A part of those wanted.' }),
    'a number of replicas, or a part such as 25%',
    { description, ...(initial === undefined ? {} : { default: initial }) },
  ).optional();

const port = either(
  wholeNumber(1, 65_535, { description: 'A number.' }),
  z
    .string()
    .regex(PORT_NAME, { error: 'the name of one of its ports' })
    .meta({ description: 'One of its ports.' }),
  'a port number, or the name of one of its ports',
  { description: 'Its only port, when not given.' },
).optional();

const probeSchema = z.strictObject({
  http: z
    .strictObject({
      path: text({ description: 'What is asked for.', max: 1024, filled: true, oneLine: true })
        .regex(/^\//, { error: 'a path that begins with /' })
        .meta({ default: '/' })
        .optional(),
      port,
    })
    .meta({ description: 'Succeeds when the answer is 200 to 399.' })
    .optional(),
  tcp: z
    .strictObject({ port })
    .meta({ description: 'Succeeds when the port takes a connection.' })
    .optional(),
  exec: z
    .array(plainValue({ max: 4096 }))
    .min(1)
    .max(100)
    .meta({ description: 'A program and its arguments; succeeds when it ends with 0.' })
    .optional(),
  every: span('From the end of one try to the next.', serviceDefaults.everyMs, true),
  timeout: span('A try that takes longer has failed.', serviceDefaults.timeoutMs, true),
  failures: wholeNumber(1, 1000, {
    description: 'In a row, until it counts as failing.',
    default: serviceDefaults.failures,
  }).optional(),
  successes: wholeNumber(1, 1000, {
    description: 'In a row, until it counts as succeeding.',
    default: serviceDefaults.successes,
  }).optional(),
  initial_delay: span('From the start to the first try.', serviceDefaults.initialDelayMs),
});

type ProbeBlock = z.output<typeof probeSchema>;
const probe = (description: string) => probeSchema.meta({ description }).optional();

export const serviceSchema = z
  .strictObject({
    replicas: wholeNumber(1, REPLICAS_MAX, {
      description: 'How many are kept alive; each finds its index from 0 in `BERTH_TASK_INDEX`.',
      default: 1,
    }).optional(),
    ports: z
      .array(z.string().regex(PORT_NAME, { error: 'a name of small letters, digits and -' }))
      .max(PORTS_MAX)
      .meta({
        description:
          'Names. Each replica gets a free port for each, in `PORT_<NAME>`; with one port also in `PORT`.',
      })
      .optional(),
    startup: probe('Until it has succeeded once, the other probes do not run.'),
    readiness: probe('Whether a replica counts as ready. Without it: as soon as it runs.'),
    liveness: probe('When it fails, the replica is stopped and started again.'),
    restart: z
      .strictObject({
        backoff: span(
          'Wait before a replica is started again; twice as long each time in a row.',
          serviceDefaults.backoffMs,
        ),
        backoff_max: span('The longest wait.', serviceDefaults.backoffMaxMs),
        reset_after: span(
          'One that ran for so long begins with the first wait again.',
          serviceDefaults.resetAfterMs,
        ),
      })
      .meta({ description: 'When a replica that ended is started again.' })
      .optional(),
    update: z
      .strictObject({
        strategy: z
          .enum(['rolling', 'blue-green', 'canary'])
          .meta({
            description:
              '`rolling`: one after the other. `blue-green`: all new ones beside the old, then only they. `canary`: a few new ones first.',
            default: 'rolling',
          })
          .optional(),
        max_surge: replicaShare(
          'So many more than wanted while it goes on, those that leave included.',
          '25%',
        ),
        max_unavailable: replicaShare('So many fewer ready than wanted while it goes on.', '0'),
        canary: z
          .strictObject({
            replicas: wholeNumber(1, REPLICAS_MAX, { description: 'So many canaries.' }).optional(),
            percent: wholeNumber(1, 100, {
              description: 'So many in a hundred are canaries.',
            }).optional(),
            hold: span(
              'They are ready for so long before the others follow.',
              serviceDefaults.holdMs,
            ),
          })
          .meta({ description: 'Of `strategy: canary`: one replica, when not given.' })
          .optional(),
        rollback: z
          .boolean()
          .meta({
            description: 'A new revision that fails gives way to the one before.',
            default: true,
          })
          .optional(),
        deadline: span(
          'The longest that it goes on without one more new replica being ready.',
          serviceDefaults.deadlineMs,
          true,
        ),
      })
      .meta({ description: 'How a new revision takes the place of the old: `berth update`.' })
      .optional(),
    drain: span(
      'From the moment a replica leaves the service until it gets SIGTERM.',
      serviceDefaults.drainMs,
    ),
  })
  .meta({
    description: 'Makes the job a service: replicas that are kept alive until it is cancelled.',
  });

export type ServiceBlock = z.output<typeof serviceSchema>;

export const replicasWanted = (block: ServiceBlock): number => block.replicas ?? 1;

/** The terms with every default filled in; what contradicts itself is added to `problems`. */
export function readService(block: ServiceBlock, path: Path, problems: Problem[]): ServiceTerms {
  const ports = block.ports ?? [];
  if (new Set(ports).size < ports.length) {
    problems.push({ path: [...path, 'ports'], message: 'a name is given twice' });
  }
  const probeOf = (kind: 'startup' | 'readiness' | 'liveness'): ProbeSpec | undefined =>
    block[kind] && readProbe(block[kind], ports, { path: [...path, kind], problems });
  const startup = probeOf('startup');
  const readiness = probeOf('readiness');
  const liveness = probeOf('liveness');
  const { restart } = block;
  return {
    ports,
    ...(startup && { startup }),
    ...(readiness && { readiness }),
    ...(liveness && { liveness }),
    restart: {
      backoffMs: restart?.backoff ?? serviceDefaults.backoffMs,
      backoffMaxMs: restart?.backoff_max ?? serviceDefaults.backoffMaxMs,
      resetAfterMs: restart?.reset_after ?? serviceDefaults.resetAfterMs,
    },
    update: readUpdate(block.update ?? {}, [...path, 'update'], problems),
    drainMs: block.drain ?? serviceDefaults.drainMs,
  };
}

function readUpdate(
  block: NonNullable<ServiceBlock['update']>,
  path: Path,
  problems: Problem[],
): ServiceTerms['update'] {
  const { canary, strategy = 'rolling' } = block;
  if (canary !== undefined && strategy !== 'canary') {
    const message = `only for \`strategy: canary\`, and it is ${strategy}`;
    problems.push({ path: [...path, 'canary'], message });
  }
  if (canary?.replicas !== undefined && canary.percent !== undefined) {
    const message = '`replicas` is given, too, and they are the same thing';
    problems.push({ path: [...path, 'canary', 'percent'], message, at: 'key' });
  }
  return {
    strategy,
    maxSurge: shareOf(block.max_surge ?? '25%'),
    maxUnavailable: shareOf(block.max_unavailable ?? 0),
    canary: {
      replicas: shareOf(
        canary?.percent === undefined ? (canary?.replicas ?? 1) : `${canary.percent}%`,
      ),
      holdMs: canary?.hold ?? serviceDefaults.holdMs,
    },
    rollback: block.rollback ?? true,
    deadlineMs: block.deadline ?? serviceDefaults.deadlineMs,
  };
}

const shareOf = (written: number | string): ReplicaShare =>
  typeof written === 'number'
    ? { kind: 'count', count: written }
    : { kind: 'part', part: (Number(written.slice(0, -1)) * 100) as BasisPoints };

interface Place {
  readonly path: Path;
  readonly problems: Problem[];
}

function readProbe(block: ProbeBlock, ports: readonly string[], place: Place): ProbeSpec {
  const check = readCheck(block, ports, place);
  return {
    check: check ?? { kind: 'exec', argv: [] },
    everyMs: block.every ?? serviceDefaults.everyMs,
    timeoutMs: block.timeout ?? serviceDefaults.timeoutMs,
    failures: block.failures ?? serviceDefaults.failures,
    successes: block.successes ?? serviceDefaults.successes,
    initialDelayMs: block.initial_delay ?? serviceDefaults.initialDelayMs,
  };
}

function readCheck(
  { http, tcp, exec }: ProbeBlock,
  ports: readonly string[],
  { path, problems }: Place,
): ProbeCheck | undefined {
  const said = [http, tcp, exec].filter((way) => way !== undefined).length;
  if (said !== 1) {
    const message = said === 0 ? 'says nothing to try' : 'says more than one thing to try';
    problems.push({ path, message, expected: 'one of http, tcp and exec' });
    return undefined;
  }
  if (exec !== undefined) return { kind: 'exec', argv: exec.map(String) };
  const way = http === undefined ? 'tcp' : 'http';
  const written = (http ?? tcp)!.port;
  const chosen = written ?? (ports.length === 1 ? ports[0] : undefined);
  if (chosen === undefined) {
    const message = ports.length === 0 ? 'the service has no `ports`' : 'which of its ports?';
    problems.push({ path: [...path, way], message, expected: 'a `port`' });
    return undefined;
  }
  if (typeof chosen === 'string' && !ports.includes(chosen)) {
    const message = `the service has no port ${chosen}`;
    const near = { word: chosen, words: ports };
    problems.push({ path: [...path, way, 'port'], message, near });
    return undefined;
  }
  return http === undefined
    ? { kind: 'tcp', port: chosen }
    : { kind: 'http', path: http.path ?? '/', port: chosen };
}
