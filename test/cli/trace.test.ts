import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type {
  AttemptDocument,
  StepDocument,
  WorkloadDocument,
} from '../../src/api/contract/documents.ts';
import { renderTrace } from '../../src/cli/commands/trace.ts';
import { traceOf } from '../../src/cli/trace.ts';
import { jaegerTrace, otlpTrace } from '../../src/cli/trace-formats.ts';

interface Tried {
  readonly task?: number;
  readonly placed: number;
  readonly started?: number | null;
  readonly ended: number | null;
  readonly cause?: string | null;
}

const step = (
  id: string,
  tries: readonly Tried[],
  { needs = [], ended = null }: { needs?: string[]; ended?: number | null } = {},
): StepDocument => {
  const attempts = tries.map(({ task = 0, placed, started = placed, ended: end, cause }, i) => ({
    id: `7.${id}.${task}.${i + 1}`,
    task: `7.${id}.${task}`,
    node: 'n',
    placed_at: placed,
    started_at: started,
    ended_at: end,
    cause: cause === undefined ? (end === null ? null : 'succeeded') : cause,
    exit_code: 0,
    message: null,
  }));
  return {
    id,
    needs,
    state: 'succeeded',
    ended_at: ended,
    tasks: { total: tries.length },
    attempts: attempts as unknown as AttemptDocument[],
  } as unknown as StepDocument;
};

const run = (steps: readonly StepDocument[], ended: number | null = null): WorkloadDocument =>
  ({
    id: '7',
    status: ended === null ? 'running' : 'succeeded',
    workload: {
      id: '7',
      name: 'w',
      tenant: 'ada',
      queue: 'q',
      kind: 'pipeline',
      submitted_at: 0,
      ended_at: ended,
    },
    steps,
  }) as unknown as WorkloadDocument;

/** `b` and `c` need `a`; `d` needs both. `c` is the slow one, and was tried twice. */
const diamond = run(
  [
    step('a', [{ placed: 5, started: 6, ended: 10 }], { ended: 10 }),
    step('b', [{ placed: 10, ended: 20 }], { needs: ['a'], ended: 20 }),
    step(
      'c',
      [
        { placed: 12, ended: 30, cause: 'oom-killed' },
        { placed: 40, ended: 70 },
      ],
      { needs: ['a'], ended: 70 },
    ),
    step('d', [{ placed: 75, ended: 95 }], { needs: ['b', 'c'], ended: 96 }),
  ],
  100,
);

describe('where the time of a workload went', () => {
  it('is told by what came after each other', () => {
    const { critical, stages } = traceOf(diamond, 1_000);
    assert.deepEqual(
      critical.map(({ kind, step: of, from, to }) => [kind, of, from, to]),
      [
        ['waiting', 'a', 0, 5],
        ['running', 'a', 5, 10],
        ['waiting', 'c', 10, 12],
        ['running', 'c', 12, 30],
        ['waiting', 'c', 30, 40],
        ['running', 'c', 40, 70],
        ['waiting', 'd', 70, 75],
        ['running', 'd', 75, 95],
        ['settling', 'd', 95, 100],
      ],
    );
    assert.deepEqual(
      stages.map(({ step: of, waitedMs, ranMs, criticalMs, share }) => [
        of,
        waitedMs,
        ranMs,
        criticalMs,
        share,
      ]),
      [
        ['a', 5, 5, 10, 0.1],
        ['b', 0, 10, 0, 0],
        ['c', 2, 58, 60, 0.6],
        ['d', 5, 20, 30, 0.3],
      ],
    );
  });

  it('has a span for each wait and each attempt, with its own start and end', () => {
    const { spans } = traceOf(diamond, 1_000);
    const of = (kind: string, name: string) =>
      spans.find((span) => span.kind === kind && span.name === name);
    assert.deepEqual([of('step', 'c')?.from, of('step', 'c')?.to], [10, 70]);
    assert.deepEqual(
      [of('attempt', '7.c.0.1')?.failure, of('attempt', '7.c.0.2')?.failure],
      ['oom-killed', undefined],
    );
    assert.deepEqual(
      spans
        .filter(({ kind, name }) => kind === 'waiting' && name === 'waiting 7.c.0')
        .map(({ from, to }) => [from, to]),
      [
        [10, 12],
        [30, 40],
      ],
    );
    assert.deepEqual(
      spans.filter(({ kind }) => kind === 'starting').map(({ from, to }) => [from, to]),
      [[5, 6]],
    );
  });

  it('ends now where it goes on', () => {
    const { to, spans, stages } = traceOf(
      run([step('a', [{ placed: 5, ended: null }]), step('b', [], { needs: ['a'] })]),
      50,
    );
    assert.equal(to, 50);
    assert.deepEqual(
      spans.filter(({ isOpen }) => isOpen).map(({ kind }) => kind),
      ['workload', 'step', 'attempt', 'running'],
    );
    // It could not start yet.
    assert.deepEqual(stages[1], {
      step: 'b',
      from: null,
      to: null,
      waitedMs: null,
      ranMs: null,
      attempts: 0,
      criticalMs: 0,
      share: 0,
    });
  });

  it('of nothing that ran is waiting', () => {
    const { critical } = traceOf(run([step('a', [])]), 50);
    assert.deepEqual(critical, [
      { kind: 'waiting', step: 'a', attempt: undefined, from: 0, to: 50 },
    ]);
  });

  const moment = fc.nat(100);
  const tried = fc.record({
    task: fc.nat(2),
    placed: moment,
    started: fc.option(moment),
    ended: fc.option(moment),
  });
  const drawn = fc
    .array(
      fc.record({
        tries: fc.array(tried, { maxLength: 4 }),
        needs: fc.array(fc.nat(5)),
        ended: fc.option(moment),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map((steps) =>
      steps.map(({ tries, needs, ended }, i) =>
        step(`s${i}`, tries, {
          needs: [...new Set(needs.filter((need) => need < i))].map((need) => `s${need}`),
          ended,
        }),
      ),
    );

  it('adds up, and spans lie within each other, whatever the clock did', () => {
    fc.assert(
      fc.property(drawn, fc.option(moment), (steps, ended) => {
        const made = traceOf(run(steps, ended), 120);
        let at = made.from;
        for (const segment of made.critical) {
          assert.equal(segment.from, at, 'no gap');
          assert.ok(segment.to > segment.from);
          at = segment.to;
        }
        assert.equal(at, made.to);
        const byId = new Map(made.spans.map((span) => [span.id, span]));
        assert.equal(byId.size, made.spans.length);
        for (const span of made.spans) {
          assert.ok(span.from <= span.to, span.id);
          const parent = span.parent === undefined ? undefined : byId.get(span.parent);
          if (span.parent !== undefined) assert.ok(parent, span.parent);
          if (parent) assert.ok(parent.from <= span.from && span.to <= parent.to, span.id);
        }
      }),
    );
  });
});

describe('spans for other programs', () => {
  const made = traceOf(diamond, 1_000);

  it('are an export request of OpenTelemetry', () => {
    const { resourceSpans } = otlpTrace(made, '0.1.0') as {
      resourceSpans: { scopeSpans: { spans: Record<string, never>[] }[] }[];
    };
    const spans = resourceSpans[0]!.scopeSpans[0]!.spans as unknown as {
      traceId: string;
      spanId: string;
      parentSpanId?: string;
      name: string;
      startTimeUnixNano: string;
      endTimeUnixNano: string;
      status: { code: number };
    }[];
    const ids = new Set(spans.map(({ spanId }) => spanId));
    assert.equal(ids.size, spans.length);
    for (const span of spans) {
      assert.match(span.traceId, /^[0-9a-f]{32}$/);
      assert.match(span.spanId, /^[0-9a-f]{16}$/);
      assert.equal(span.traceId, spans[0]!.traceId);
      assert.ok(span.parentSpanId === undefined || ids.has(span.parentSpanId));
      assert.match(span.startTimeUnixNano, /^\d+$/);
    }
    const last = spans.find(({ name }) => name === '7.d.0.1')!;
    assert.deepEqual(
      [last.startTimeUnixNano, last.endTimeUnixNano, last.status.code],
      ['75000000', '95000000', 1],
    );
    assert.equal(spans.find(({ name }) => name === '7.c.0.1')!.status.code, 2);
    // Moments of today do not lose their digits.
    const today = 1_795_353_273_463;
    const late = otlpTrace(
      { ...made, spans: [{ ...made.spans[0]!, from: today, to: today }] },
      '1',
    );
    assert.ok(JSON.stringify(late).includes('"startTimeUnixNano":"1795353273463000000"'));
  });

  it('are a file of Jaeger, in microseconds', () => {
    const { data } = jaegerTrace(made) as {
      data: {
        spans: {
          operationName: string;
          startTime: number;
          duration: number;
          references: unknown[];
        }[];
      }[];
    };
    const span = data[0]!.spans.find(({ operationName }) => operationName === '7.d.0.1')!;
    assert.deepEqual([span.startTime, span.duration, span.references.length], [75_000, 20_000, 1]);
  });
});

it('people see steps with their shares, and the path', () => {
  const page = { width: 100, color: false, unicode: true } as unknown as Parameters<
    typeof renderTrace
  >[1];
  const text = renderTrace(traceOf(diamond, 1_000), page).join('\n');
  assert.match(text, /c +\S+ +\S+ +2 +\S+ +60 %/);
  assert.match(text, /Critical path: a → c → d/);
});
