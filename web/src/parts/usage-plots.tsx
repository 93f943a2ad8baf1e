import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Usage } from '../../../src/api/contract/documents.ts';
import { bytes, clock, percent } from '../format.ts';
import type { Line } from '../panels.ts';
import { always, useDocument } from '../use-document.ts';
import { Choice } from './choice.tsx';
import { ProblemNote } from './notes.tsx';
import { Plot } from './plot.tsx';

const windows = {
  '15 min': { query: '15m', ms: 900_000 },
  '1 h': { query: '1h', ms: 3_600_000 },
} as const;

/** CPU, memory and pressure of the machine over one time axis and under one cursor. */
export function UsagePlots() {
  const chosen = useSignal<keyof typeof windows>('15 min');
  const window = windows[chosen.value];
  const cursor = useSignal<number | undefined>(undefined);
  const { value: usage, problem } = useDocument<Usage>(`/api/v1/usage?window=${window.query}`, {
    when: always,
    everyMs: 4_000,
  }).value;
  const panels = useMemo(() => (usage === undefined ? undefined : panelsOf(usage)), [usage]);
  const at = usage?.at ?? [];
  const index = cursor.value ?? at.length - 1;
  return (
    <section class="part" aria-labelledby="usage-title">
      <header class="section-head">
        <h2 id="usage-title">Machine</h2>
        <span class="muted number">
          {cursor.value === undefined || at[index] === undefined ? 'now' : clock(at[index])}
        </span>
        <Choice
          label="Time range"
          options={['15 min', '1 h']}
          chosen={chosen.value}
          onChoose={(name) => {
            chosen.value = name;
          }}
        />
      </header>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <div class="plots">
        {(panels ?? panelsOf(noUsage)).map((panel) => (
          <figure key={panel.name}>
            <figcaption>
              <span class="plot-name">{panel.name}</span>
              {panel.lines.map((line) => (
                <span
                  key={line.name}
                  class={`legend ${line.colour} ${line.kind}`}
                  title={panel.source}
                >
                  <i /> {line.name}{' '}
                  <b class="number">{panel.format(line.values[index] ?? undefined)}</b>
                </span>
              ))}
            </figcaption>
            <Plot
              label={inWords(panel, at)}
              at={at}
              lines={panel.lines}
              windowMs={window.ms}
              top={panel.top}
              steps={panel.steps}
              format={panel.format}
              onCursor={(i) => {
                cursor.value = i;
              }}
            />
          </figure>
        ))}
      </div>
    </section>
  );
}

const ratioSteps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2];
const byteSteps = Array.from({ length: 24 }, (_, i) => 2 ** (i + 20));

interface Panel {
  readonly name: string;
  readonly source: string;
  readonly lines: readonly Line[];
  readonly top: number;
  readonly steps: readonly number[];
  format(value: number | undefined): string;
}

function panelsOf(usage: Usage): readonly Panel[] {
  return [
    {
      name: 'CPU',
      source: 'Busy: measured from /proc/stat. Held: what running tasks asked for.',
      top: 1,
      steps: ratioSteps,
      format: percent,
      lines: [
        { name: 'busy', colour: 'cpu', kind: 'used', values: usage.cpu_ratio },
        { name: 'held', colour: 'cpu', kind: 'requested', values: usage.cpu_held_ratio },
      ],
    },
    {
      name: 'Memory',
      source: 'Used: measured from /proc/meminfo. Held: what running tasks asked for.',
      top: usage.memory_total_bytes ?? 1_073_741_824,
      steps: byteSteps,
      format: bytes,
      lines: [
        { name: 'used', colour: 'memory', kind: 'used', values: usage.memory_used_bytes },
        { name: 'held', colour: 'memory', kind: 'requested', values: usage.memory_held_bytes },
      ],
    },
    {
      name: 'Pressure',
      source:
        'Share of time in which some task waited for the resource: measured from /proc/pressure.',
      top: 0.1,
      steps: ratioSteps,
      format: percent,
      lines: [
        { name: 'cpu', colour: 'cpu', kind: 'line', values: usage.cpu_pressure_ratio },
        { name: 'memory', colour: 'memory', kind: 'line', values: usage.memory_pressure_ratio },
        { name: 'i/o', colour: 'io', kind: 'line', values: usage.io_pressure_ratio },
      ],
    },
  ];
}

const noUsage: Usage = {
  interval_ms: 0,
  at: [],
  cpu_ratio: [],
  cpu_held_ratio: [],
  memory_used_bytes: [],
  memory_held_bytes: [],
  memory_total_bytes: null,
  io_pressure_ratio: [],
  memory_pressure_ratio: [],
  cpu_pressure_ratio: [],
};

function inWords({ name, lines, format }: Panel, at: readonly number[]): string {
  if (at.length === 0) return `${name}: no samples yet`;
  const parts = lines.map((line) => {
    const known = line.values.filter((value) => value !== null);
    if (known.length === 0) return `${line.name} unknown`;
    return `${line.name} ${format(known.at(-1))}, between ${format(Math.min(...known))} and ${format(Math.max(...known))}`;
  });
  return `${name} from ${clock(at[0]!)} to ${clock(at.at(-1)!)}: ${parts.join('; ')}`;
}
