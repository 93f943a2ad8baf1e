import { useComputed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type {
  AttemptDocument,
  StepDocument,
  WorkloadDocument,
} from '../../../src/api/contract/documents.ts';
import { duration, moment } from '../format.ts';
import { attemptHref, go } from '../router.ts';
import { now } from '../server-time.ts';
import { packLanes, ticksOf } from '../timeline.ts';
import { attemptWord } from '../words.ts';
import { type LaneSpan, LanesCanvas } from './lanes-canvas.tsx';
import { lookOf } from './mark.tsx';

/** Lanes get thinner so that a step of a thousand tasks still fits the screen. */
const LANE_PX_MAX = 16;
const STEP_PX_MAX = 240;
const TICKS_MAX = 6;
/** So many spans are drawn as pixels, and anew every so often, not each second. */
const MANY = 1_000;
const MANY_EVERY_MS = 10_000;
/** What is shorter is drawn so long, in percent of all. */
const SPAN_SHARE_MIN = 0.15;

interface TimelineProps {
  readonly document: WorkloadDocument;
  readonly steps: readonly StepDocument[];
  readonly selected: string | undefined;
}

/** Every attempt over time, packed into lanes: how many ran at once, what was tried again, what was waited for. */
export function AttemptTimeline({ document, steps, selected }: TimelineProps) {
  const { submitted_at, ended_at } = document.workload;
  const many = steps.reduce((sum, step) => sum + step.attempts.length, 0) > MANY;
  const drawnTo = useComputed(() =>
    many ? Math.ceil(now.value / MANY_EVERY_MS) * MANY_EVERY_MS : now.value,
  );
  const end = ended_at ?? drawnTo.value;
  const span = Math.max(end - submitted_at, 1_000);
  const at = (moment: number): number =>
    Math.max(0, Math.min(100, ((moment - submitted_at) / span) * 100));
  const ticks = ticksOf(span, TICKS_MAX);
  return (
    <div class="timeline">
      {steps.map((step) => (
        <Lanes
          key={step.id}
          step={step}
          end={end}
          at={at}
          workload={document.id}
          ticks={ticks.map((t) => (t / span) * 100)}
          selected={selected}
        />
      ))}
      <div class="timeline-row" aria-hidden="true">
        <span />
        <div class="timeline-axis number">
          {ticks.map((t) => (
            <span key={t} style={{ left: `${(t / span) * 100}%` }}>
              {t === 0
                ? 'submitted'
                : `+${duration(t)
                    .replace(/\.0s$/, 's')
                    .replace(/ 00[sm]$/, '')}`}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}

interface LanesProps {
  readonly step: StepDocument;
  readonly end: number;
  readonly at: (moment: number) => number;
  readonly workload: string;
  readonly ticks: readonly number[];
  readonly selected: string | undefined;
}

function Lanes(props: LanesProps) {
  const { step, end, at, workload, ticks, selected } = props;
  const spans = step.attempts.map(({ placed_at, ended_at }) => ({
    from: placed_at,
    to: ended_at ?? end,
  }));
  const { lanes, count } = packLanes(spans);
  const isMany = step.attempts.length > MANY;
  const even = Math.min(LANE_PX_MAX, STEP_PX_MAX / Math.max(count, 1));
  const lane = isMany ? even : Math.max(2, Math.floor(even));
  const height = Math.max(count, 1) * lane + 8;
  const gap = lane > 6 ? 3 : lane > 3 ? 1 : 0;
  const label = `${step.id}: ${step.attempts.length} attempts, at most ${count} at once`;
  const begun = spans.reduce((least, { from }) => Math.min(least, from), end);
  return (
    <div class="timeline-row">
      <span class="timeline-step" title={step.command}>
        {step.id}
      </span>
      {isMany ? (
        <ManyLanes {...props} lanes={lanes} lane={lane} gap={gap} height={height} label={label} />
      ) : (
        /* biome-ignore lint/a11y/useKeyWithClickEvents: the rows of the table below do the same by keyboard */
        <svg
          width="100%"
          height={height}
          role="img"
          aria-label={label}
          onClick={(event) => {
            const id =
              event.target instanceof Element ? event.target.getAttribute('data-attempt') : null;
            if (id !== null) go(attemptHref(workload, id));
          }}
        >
          {ticks.map((x) => (
            <line key={x} class="timeline-tick" x1={`${x}%`} x2={`${x}%`} y1="0" y2={height} />
          ))}
          {begun > 0 && (
            <line
              class="timeline-wait"
              x1="0%"
              x2={`${at(begun)}%`}
              y1={height / 2}
              y2={height / 2}
            />
          )}
          {step.attempts.map((attempt, i) => {
            const { from, to } = spans[i]!;
            return (
              <rect
                key={attempt.id}
                data-attempt={attempt.id}
                class={`span ${lookOf(attempt.cause ?? attempt.state)} ${attempt.id === selected ? 'selected' : ''}`}
                x={`${at(from)}%`}
                y={4 + lanes[i]! * lane}
                width={`${Math.max(at(to) - at(from), SPAN_SHARE_MIN)}%`}
                height={lane - gap}
                rx={lane > 6 ? 2 : 0}
              >
                <title>{inWords(attempt, to)}</title>
              </rect>
            );
          })}
        </svg>
      )}
    </div>
  );
}

interface ManyLanesProps extends LanesProps {
  readonly lanes: readonly number[];
  readonly lane: number;
  readonly gap: number;
  readonly height: number;
  readonly label: string;
}

function ManyLanes({ step, end, at, workload, selected, lanes, ...size }: ManyLanesProps) {
  const { attempts } = step;
  const spans = useMemo(
    () =>
      attempts.map((attempt, i): LaneSpan => {
        const x = at(attempt.placed_at);
        return {
          id: attempt.id,
          x,
          width: Math.max(at(attempt.ended_at ?? end) - x, SPAN_SHARE_MIN),
          lane: lanes[i]!,
          look: lookOf(attempt.cause ?? attempt.state),
          isSelected: attempt.id === selected,
        };
      }),
    [attempts, end, selected],
  );
  return (
    <LanesCanvas
      {...size}
      spans={spans}
      inWords={(id) => {
        const attempt = attempts.find((one) => one.id === id)!;
        return inWords(attempt, attempt.ended_at ?? end);
      }}
      onPick={(id) => go(attemptHref(workload, id))}
    />
  );
}

function inWords(attempt: AttemptDocument, to: number): string {
  return `${attempt.id}: ${attemptWord(attempt)}\n${moment(attempt.placed_at)}, ${duration(to - attempt.placed_at)}`;
}
