import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { InvariantError } from '../../src/base/assert.ts';
import { OperationError } from '../../src/model/errors.ts';
import type { Event } from '../../src/model/messages.ts';
import { eventCodec, makeEventCodec, workloadOf } from '../../src/store/event-codec.ts';
import { eventForms } from '../../src/store/event-schema.ts';
import { arbitraryEvent } from './arbitrary-event.ts';

test('every event is read back as it was written', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      assert.deepEqual(eventCodec.decode(1, eventCodec.encode(event)), event);
    }),
    { numRuns: 500 },
  );
});

test('whatever a body holds, decoding gives an event or says STATE_CORRUPT', () => {
  const kind = fc.constantFrom(...Object.keys(eventForms));
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    arbitraryEvent.map((event) => JSON.stringify(event)),
    fc.tuple(arbitraryEvent, fc.nat()).map(([event, cut]) => {
      const whole = JSON.stringify(event);
      return whole.slice(0, cut % whole.length);
    }),
  );
  fc.assert(
    fc.property(kind, body, (kind, body) => {
      try {
        const event = eventCodec.decode(7, { kind, version: 1, body });
        assert.equal(event.kind, kind);
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        assert.equal(error.code, 'STATE_CORRUPT');
        assert.equal(error.facts['sequence'], 7);
      }
    }),
    { numRuns: 500 },
  );
});

const retired = '{"kind":"workload-retired","at":5,"workload":"3"}';

const refused: Record<
  string,
  { kind: string; version: number; body: string; code: string; message: RegExp }
> = {
  'a kind of a newer Berth': {
    kind: 'task-teleported',
    version: 3,
    body: '{}',
    code: 'STATE_NEWER',
    message: /event 12 is of kind 'task-teleported', version 3/,
  },
  'a newer version of a known kind': {
    kind: 'workload-retired',
    version: 2,
    body: retired,
    code: 'STATE_NEWER',
    message: /'workload-retired', version 2/,
  },
  'a version that never was': {
    kind: 'workload-retired',
    version: 0,
    body: retired,
    code: 'STATE_CORRUPT',
    message: /event 12 .*no Berth wrote version 0/,
  },
  'a body cut short': {
    kind: 'workload-retired',
    version: 1,
    body: retired.slice(0, 20),
    code: 'STATE_CORRUPT',
    message: /event 12 .*not JSON/,
  },
  'a body of another kind': {
    kind: 'workload-ended',
    version: 1,
    body: retired,
    code: 'STATE_CORRUPT',
    message: /event 12 .*kind/,
  },
  'a field too many': {
    kind: 'workload-retired',
    version: 1,
    body: retired.replace('}', ',"why":"old"}'),
    code: 'STATE_CORRUPT',
    message: /event 12 .*why/,
  },
  'a name of the prototype': {
    kind: 'toString',
    version: 1,
    body: '{}',
    code: 'STATE_NEWER',
    message: /toString/,
  },
};
for (const [name, tc] of Object.entries(refused)) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => eventCodec.decode(12, { kind: tc.kind, version: tc.version, body: tc.body }),
      (error: unknown) =>
        error instanceof OperationError && error.code === tc.code && tc.message.test(error.message),
    );
  });
}

test('an event that JSON would change is a bug, found before it is written', () => {
  const event = { kind: 'task-started', at: 1, attempt: '1.a.0.1', pid: Number.NaN } as Event;
  assert.throws(() => eventCodec.encode(event), InvariantError);
  const extra = {
    kind: 'workload-retired',
    at: 1,
    workload: '1',
    color: 'red',
  } as unknown as Event;
  assert.throws(() => eventCodec.encode(extra), InvariantError);
});

test('an old version goes through every upcaster up to the current one', () => {
  const form = eventForms['task-started'];
  const codec = makeEventCodec({ ...eventForms, 'task-started': { ...form, version: 3 } }, [
    {
      kind: 'task-started',
      from: 2,
      upcast: ({ process: pid, ...rest }) => ({ ...rest, pid }),
    },
    {
      kind: 'task-started',
      from: 1,
      upcast: ({ proc, ...rest }) => ({
        ...rest,
        process: z.object({ pid: z.int() }).parse(proc).pid,
      }),
    },
  ]);
  const want = { kind: 'task-started', at: 9, attempt: '4.main.0.1', pid: 77 };
  const old = { kind: 'task-started', at: 9, attempt: '4.main.0.1', proc: { pid: 77 } };
  const decode = (version: number, body: unknown) =>
    codec.decode(1, { kind: 'task-started', version, body: JSON.stringify(body) });
  assert.deepEqual(decode(1, old), want);
  assert.deepEqual(decode(2, { ...want, pid: undefined, process: 77 }), want);
  assert.deepEqual(decode(3, want), want);
  assert.equal(codec.encode(decode(1, old)).version, 3);
});

const aboutNodes: readonly string[] = [
  'node-joined',
  'node-left',
  'spot-noticed',
  'spot-priced',
  'rebalance-started',
];

test('the workload of an event is found in whichever id it carries', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      const ids = JSON.stringify(event).match(
        /"(?:workload|task|attempt|preemptor|behind)":"(\d+)/,
      );
      assert.equal(workloadOf(event), aboutNodes.includes(event.kind) ? undefined : ids?.[1]);
    }),
  );
});
