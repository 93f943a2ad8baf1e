import { z } from 'zod';
import { assert, InvariantError } from '../base/assert.ts';
import { OperationError } from '../model/errors.ts';
import type { Event } from '../model/messages.ts';
import { type EventForm, type EventForms, eventForms } from './event-schema.ts';

/** An event as the journal stores it. */
export interface StoredEvent {
  readonly kind: string;
  readonly version: number;
  /** JSON of the whole event, `kind` and `at` included. */
  readonly body: string;
}

/** Turns the stored form `from` of one kind into form `from + 1`. */
export interface Upcaster {
  readonly kind: string;
  readonly from: number;
  upcast(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}

export interface EventCodec {
  /** Asserts that what is written can be read: an event with a NaN in it would end every later start. */
  encode(event: Event): StoredEvent;
  /** Throws STATE_NEWER for a kind or version that this Berth does not know, STATE_CORRUPT for the rest. */
  decode(sequence: number, stored: StoredEvent): Event;
}

/** A spec of at most 1 MiB grows when its defaults are filled in; more than this is a missing bound. */
const BODY_CHARS_MAX = 64 * 1024 * 1024;

export function makeEventCodec(forms: EventForms, upcasters: readonly Upcaster[]): EventCodec {
  const known = new Map<string, EventForm<Event>>(Object.entries(forms));

  function encode(event: Event): StoredEvent {
    const form: EventForm<Event> = forms[event.kind];
    const checked = form.schema.safeParse(event);
    if (!checked.success) {
      throw new InvariantError(`an event that could not be read back: ${describe(checked.error)}`);
    }
    const body = JSON.stringify(event);
    assert(body.length <= BODY_CHARS_MAX, `a ${event.kind} of ${body.length} characters`);
    return { kind: event.kind, version: form.version, body };
  }

  function decode(sequence: number, stored: StoredEvent): Event {
    const { kind, version } = stored;
    const form = known.get(kind);
    if (form === undefined || version > form.version) {
      throw new OperationError(
        'STATE_NEWER',
        `event ${sequence} is of kind '${kind}', version ${version}, which this Berth does not know`,
        { sequence, kind, version },
      );
    }
    let body = parseJson(sequence, stored);
    for (let from = version; from < form.version; from++) {
      body = upcast(sequence, stored, from, body);
    }
    const checked = form.schema.safeParse(body);
    if (!checked.success) throw corrupt(sequence, stored, describe(checked.error), checked.error);
    return checked.data;
  }

  function upcast(sequence: number, stored: StoredEvent, from: number, body: unknown): unknown {
    const step = upcasters.find((u) => u.kind === stored.kind && u.from === from);
    if (step === undefined) throw corrupt(sequence, stored, `no Berth wrote version ${from} of it`);
    const old = z.record(z.string(), z.unknown()).safeParse(body);
    if (!old.success) throw corrupt(sequence, stored, describe(old.error), old.error);
    return step.upcast(old.data);
  }

  return { encode, decode };
}

function parseJson(sequence: number, stored: StoredEvent): unknown {
  try {
    return JSON.parse(stored.body);
  } catch (cause) {
    throw corrupt(sequence, stored, 'it is not JSON', cause);
  }
}

function corrupt(sequence: number, stored: StoredEvent, why: string, cause?: unknown) {
  return new OperationError(
    'STATE_CORRUPT',
    `event ${sequence} (${stored.kind}) of the journal cannot be read: ${why}`,
    { sequence, kind: stored.kind, version: stored.version },
    cause,
  );
}

function describe(error: z.ZodError): string {
  const { path, message } = error.issues[0]!;
  return `${path.length === 0 ? 'the whole' : path.join('.')}: ${message}`;
}

/** The workload whose history the event belongs to; events about nodes have none. */
export function workloadOf(event: Event): string | undefined {
  if ('workload' in event) return event.workload;
  if ('attempt' in event) return ownerOf(event.attempt);
  if ('behind' in event) return ownerOf(event.behind);
  if ('task' in event) return ownerOf(event.task);
  if ('eviction' in event) return ownerOf(event.eviction.attempt);
  if ('move' in event) return ownerOf(event.move.attempt);
  if (event.kind === 'seats-kept') return ownerOf(event.keep.task);
  if (event.kind === 'preemption-ordered') {
    const { preemptor } = event.preemption;
    return preemptor.slice(0, preemptor.indexOf('.'));
  }
  return undefined;
}

const ownerOf = (attempt: string): string => attempt.slice(0, attempt.indexOf('.'));

/** Upcasters of every change since the first release; never removed while a journal may hold the old form. */
const upcasters: readonly Upcaster[] = [];

export const eventCodec: EventCodec = makeEventCodec(eventForms, upcasters);
