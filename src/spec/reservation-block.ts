import { z } from 'zod';
import type { Bytes, MilliCpu, MilliGpu } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { Amounts } from '../model/scheduling-config.ts';
import type { WrittenDuration, WrittenReservation } from '../model/site-config.ts';
import { quantity, text, wholeNumber } from './fields.ts';
import { daySchedule, type Hours, MINUTE_MS, NO_HOURS, parseHoursOfDay } from './hours-of-day.ts';
import type { Path } from './issue.ts';
import { parseBytes, parseCpu, parseGpu } from './quantities.ts';
import { tenantName, timeZone } from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';

const PARTS_MAX = 100_000;
const NAMES_MAX = 1_000;

const durationSchema = z
  .string()
  .transform((written, context): 'always' | Hours => {
    if (written.trim() === 'always') return 'always';
    const parsed = parseHoursOfDay(written, '`always`, or hours such as 22:00-06:00');
    if (parsed.ok) return parsed.value;
    const { message, expected } = parsed;
    context.addIssue({ code: 'custom', message, params: { expected } });
    return z.NEVER;
  })
  .meta({
    description: 'When: `always`, or hours of every day, which may pass midnight.',
    title: 'always, or hours such as 22:00-06:00',
    default: 'always',
  });

const names = (what: string) =>
  z.array(tenantName).min(1).max(NAMES_MAX).meta({ description: what }).optional();

/** An amount of one node. */
export const keptSchema = z.strictObject({
  cpu: quantity(parseCpu, {
    description: 'Cores.',
    form: 'cores such as 2, 0.5 or 500m',
    finite: true,
  }).optional(),
  memory: quantity(parseBytes, {
    description: 'Memory.',
    form: 'bytes such as 512Mi, 1.5Gi or 16GB',
    finite: true,
  }).optional(),
  gpu: quantity(parseGpu, {
    description: 'Devices: a share of one below 1, or whole ones.',
    form: 'GPUs such as 1, 4 or 0.5',
    finite: true,
  }).optional(),
  custom: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/, {
        error: 'a name of letters, digits, _ . / and -',
      }),
      wholeNumber(0, 1_000_000_000, { description: 'How many.' }),
    )
    .meta({ description: 'Countable things of the node, by name.' })
    .optional(),
});

export const reservationSchema = z
  .strictObject({
    name: text({ description: 'Unique; refusals name it.', max: 128, filled: true, oneLine: true }),
    resources: keptSchema.meta({ description: 'What is kept, of one node.' }),
    parts: wholeNumber(1, PARTS_MAX, {
      description: 'So many times, on nodes that may be the same.',
      default: 1,
    }).optional(),
    nodes: wholeNumber(1, PARTS_MAX, { description: 'Another name of `parts`.' }).optional(),
    pipelines: names(
      'Names of workloads that it is for; `*` stands for anything. Where neither this nor `queues` nor `tenants` is given, it is for those of the same name as the reservation.',
    ),
    queues: names('Queues that it is for, with those below.'),
    tenants: names('Users that it is for.'),
    duration: durationSchema.optional(),
    schedule: daySchedule
      .meta({ description: 'The same as `duration`, in a longer form.' })
      .optional(),
    time_zone: timeZone.optional(),
  })
  .meta({ description: 'Capacity that certain work finds whenever it comes.' });

export const reservationsSchema = z
  .array(reservationSchema)
  .max(1_000)
  .meta({ description: 'Capacity that is kept for some, always or at hours of the day.' });

type ReservationBlock = z.output<typeof reservationSchema>;

export interface ReservationDeps {
  readonly zoneAt: (written: string | undefined, path: Path) => string;
  /** The queues at and below one that workloads are submitted to, each with what it may hold. */
  readonly leavesOf: (
    written: string,
    path: Path,
  ) => readonly { readonly name: QueueName; readonly limit: Amounts }[];
}

export function readReservations(
  reading: SiteReading,
  blocks: readonly (Partial<ReservationBlock> | undefined)[],
  deps: ReservationDeps,
): WrittenReservation[] {
  const named = new Map<string, Path>();
  return blocks.flatMap((written, i): WrittenReservation[] => {
    const path = ['reservations', i];
    // What has neither is wrong in any case, and told.
    if (written?.name === undefined || written.resources === undefined) return [];
    const one = { ...written, name: written.name, resources: written.resources };
    const first = named.get(one.name);
    if (first !== undefined) {
      const message = `the reservation in line ${reading.line(first)} has this name, too`;
      reading.error([...path, 'name'], message);
    } else named.set(one.name, [...path, 'name']);
    const amount = amountOf(one.resources);
    if (isNothing(amount)) {
      reading.error([...path, 'resources'], 'nothing is kept', { expected: 'more than 0' });
    }
    const partsKey = reading.oneKey(path, ['parts', 'nodes']);
    const { name, pipelines, tenants } = one;
    const queues = queuesOf(reading, one, path, deps);
    const isOpen = pipelines === undefined && tenants === undefined && queues === undefined;
    const reservation = {
      name,
      selector: {
        ...(pipelines && { pipelines }),
        ...(isOpen && { pipelines: [name] }),
        ...(queues && { queues }),
        ...(tenants && { tenants: tenants as TenantId[] }),
      },
      amount,
      parts: (partsKey && one[partsKey]) ?? 1,
      duration: durationOf(reading, one, path, deps),
    };
    return [reservation];
  });
}

function queuesOf(
  reading: SiteReading,
  { queues, resources }: ReservationBlock,
  path: Path,
  { leavesOf }: ReservationDeps,
): QueueName[] | undefined {
  if (queues === undefined) return undefined;
  const leaves = queues.flatMap((queue, i) => {
    const at = [...path, 'queues', i];
    const found = leavesOf(queue, at);
    const small = found.find(
      ({ limit }) =>
        (resources.cpu ?? 0) > limit.cpu ||
        (resources.memory ?? 0) > limit.memory ||
        (resources.gpu ?? 0) > limit.gpu,
    );
    if (small !== undefined) reading.warn(at, `the queue ${small.name} may never hold that much`);
    return found;
  });
  return [...new Set(leaves.map(({ name }) => name))];
}

export const isNothing = ({ cpu, memory, gpu, custom }: WrittenReservation['amount']): boolean =>
  cpu + memory + gpu === 0 && custom.every(([, count]) => count === 0);

export function amountOf(written: z.output<typeof keptSchema>): WrittenReservation['amount'] {
  const { cpu = 0, memory = 0, gpu = 0, custom = {} } = written;
  return {
    cpu: cpu as MilliCpu,
    memory: memory as Bytes,
    gpu: gpu as MilliGpu,
    custom: Object.entries(custom).sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

function durationOf(
  reading: SiteReading,
  { duration, schedule, time_zone }: ReservationBlock,
  path: Path,
  { zoneAt }: ReservationDeps,
): WrittenDuration {
  reading.oneKey(path, ['duration', 'schedule']);
  const hours = schedule ?? duration ?? 'always';
  if (hours === 'always') {
    if (time_zone !== undefined) {
      reading.error([...path, 'time_zone'], '`always` has no time zone', { at: 'key' });
    }
    return { kind: 'always' };
  }
  if (hours.start === hours.end) {
    const at = [...path, schedule === undefined ? 'duration' : 'schedule'];
    reading.error(at, NO_HOURS, { expected: '`always`, or two times of day' });
  }
  const zone =
    schedule?.timezone === undefined
      ? zoneAt(time_zone, [...path, 'time_zone'])
      : zoneAt(schedule.timezone, [...path, 'schedule', 'timezone']);
  if (schedule?.timezone !== undefined && time_zone !== undefined) {
    const message = '`schedule.timezone` is given, too, and they are the same thing';
    reading.error([...path, 'time_zone'], message, { at: 'key' });
  }
  const [startMs, endMs] = [hours.start * MINUTE_MS, hours.end * MINUTE_MS];
  return { kind: 'daily', startMs, endMs, timeZone: zone };
}
