import type { Signal } from '@preact/signals';
import type { StepDocument } from '../../../src/api/contract/documents.ts';
import { duration } from '../format.ts';
import { layoutGraph } from '../graph-layout.ts';
import { now } from '../server-time.ts';
import { lookOf, Mark } from './mark.tsx';
import { countsInWords } from './task-progress.tsx';

const WIDTH = 184;
const HEIGHT = 48;
const GAP_X = 48;
const GAP_Y = 16;
const PAD = 4;

interface StepGraphProps {
  readonly steps: readonly StepDocument[];
  /** The step that the tables below are narrowed to. */
  readonly chosen: Signal<string | undefined>;
}

/** The pipeline from left to right, each step with its state and how far it is. */
export function StepGraph({ steps, chosen }: StepGraphProps) {
  const places = layoutGraph(steps);
  const at = new Map(places.map((place) => [place.id, place]));
  const columns = Math.max(...places.map(({ column }) => column)) + 1;
  const rows = Math.max(...places.map(({ row }) => row)) + 1;
  const x = (id: string): number => PAD + at.get(id)!.column * (WIDTH + GAP_X);
  const y = (id: string): number => PAD + at.get(id)!.row * (HEIGHT + GAP_Y);
  const width = columns * (WIDTH + GAP_X) - GAP_X + 2 * PAD;
  const height = rows * (HEIGHT + GAP_Y) - GAP_Y + 2 * PAD;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls a graph wider than the screen
    <section class="graph" tabIndex={0} aria-label="Steps and what they need">
      <div style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          {steps.flatMap((step) =>
            step.needs
              .filter((need) => at.has(need))
              .map((need) => {
                const [x1, y1] = [x(need) + WIDTH, y(need) + HEIGHT / 2];
                const [x2, y2] = [x(step.id), y(step.id) + HEIGHT / 2];
                const bend = (x2 - x1) / 2;
                const done = steps.find(({ id }) => id === need)?.state === 'succeeded';
                return (
                  <path
                    key={`${need}>${step.id}`}
                    class={done ? 'edge done' : 'edge'}
                    d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
                  />
                );
              }),
          )}
        </svg>
        {steps.map((step) => (
          <StepBox key={step.id} step={step} x={x(step.id)} y={y(step.id)} chosen={chosen} />
        ))}
      </div>
    </section>
  );
}

interface StepBoxProps {
  readonly step: StepDocument;
  readonly x: number;
  readonly y: number;
  readonly chosen: Signal<string | undefined>;
}

function StepBox({ step, x, y, chosen }: StepBoxProps) {
  const { id, state, tasks, started_at, ended_at, command } = step;
  const ran = started_at === null ? undefined : duration((ended_at ?? now.value) - started_at);
  const share = (n: number): string => `${tasks.total === 0 ? 0 : (n / tasks.total) * 100}%`;
  const pressed = chosen.value === id;
  return (
    <button
      type="button"
      class={`step ${lookOf(state)}`}
      style={{ left: `${x}px`, top: `${y}px`, width: `${WIDTH}px`, height: `${HEIGHT}px` }}
      aria-pressed={pressed}
      title={`${command}\n${countsInWords(tasks)}`}
      onClick={() => {
        chosen.value = pressed ? undefined : id;
      }}
    >
      <span class="step-name">
        <Mark state={state} />
        <span class="name">{id}</span>
      </span>
      <span class="step-facts number">
        {state === 'succeeded' ? 'done' : state}
        {tasks.total > 1 && ` ${tasks.succeeded}/${tasks.total}`}
        {ran !== undefined && ` · ${ran}`}
      </span>
      <span class="step-bar" aria-hidden="true">
        <i class="progress-succeeded" style={{ width: share(tasks.succeeded) }} />
        <i class="progress-failed" style={{ width: share(tasks.failed) }} />
        <i class="progress-cancelled" style={{ width: share(tasks.cancelled) }} />
        <i class="progress-running" style={{ width: share(tasks.running) }} />
      </span>
    </button>
  );
}
