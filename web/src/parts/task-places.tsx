import type { Signal } from '@preact/signals';
import type { WorkloadDocument, WorkloadList } from '../../../src/api/contract/documents.ts';
import { counted, milli, UNKNOWN } from '../format.ts';
import { coresText, type Placement, placementsOf } from '../placements.ts';
import { attemptHref } from '../router.ts';
import { anyWorkload, useDocument, useDocuments } from '../use-document.ts';
import { useSteadyRows } from './use-steady-rows.ts';

/** Each is a document of its own. */
const WORKLOADS_MAX = 24;
/** Documents of larger ones are too large to be read only for this. */
const TASKS_MAX = 500;
const SHOWN_MAX = 100;
const EVERY_MS = 5_000;

/** What runs, as far as it is read; and how many workloads are not. */
export function usePlacements(): { readonly list: readonly Placement[]; readonly left: number } {
  const { value } = useDocument<WorkloadList>('/api/v1/workloads?state=active&limit=200', {
    when: anyWorkload,
    everyMs: EVERY_MS,
  }).value;
  const running = value?.workloads.filter(({ tasks }) => tasks.running > 0) ?? [];
  const read = running.filter(({ tasks }) => tasks.total <= TASKS_MAX).slice(0, WORKLOADS_MAX);
  const documents = useDocuments<WorkloadDocument>(
    read.map(({ id }) => `/api/v1/workloads/${id}`),
    { when: anyWorkload, everyMs: EVERY_MS },
  ).value;
  return {
    list: placementsOf(documents.flatMap(({ value }) => value ?? [])),
    left: running.length - read.length,
  };
}

interface TaskPlacesProps {
  readonly list: readonly Placement[];
  readonly left: number;
  /** Ids of the GPUs of the node: people know them by their number. */
  readonly gpuIds: readonly string[];
  /** The attempt whose cells are marked in the picture. */
  readonly chosen: Signal<string | undefined>;
}

/** Who is where: a click marks the cells of a task. */
export function TaskPlaces({ list, left, gpuIds, chosen }: TaskPlacesProps) {
  const steady = useSteadyRows(list.slice(0, SHOWN_MAX), ({ attempt }) => attempt);
  if (steady.rows.length === 0) return null;
  return (
    <section class="part" aria-label="Tasks here" {...steady.hold}>
      <header class="section-head">
        <h2>Tasks here</h2>
        <span class="muted">
          {sentenceOf(list)}
          {left > 0 && ` Of ${counted(left, 'workload')} more the tasks are not read.`}
        </span>
      </header>
      <div class="task-places">
        <table class="plain-table" aria-label="Tasks here">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col" class="wide-only">
                Workload
              </th>
              <th scope="col" class="number col-when">
                CPUs held
              </th>
              <th scope="col">Kept to CPUs</th>
              <th scope="col">GPUs</th>
            </tr>
          </thead>
          <tbody>
            {steady.rows.map(({ row, gone }) => {
              const isChosen = row.attempt === chosen.value;
              return (
                <tr key={row.attempt} class={`${gone ? 'gone' : ''} ${isChosen ? 'chosen' : ''}`}>
                  <td>
                    <button
                      type="button"
                      class="plain id"
                      aria-pressed={isChosen}
                      title="Mark its cells"
                      onClick={() => {
                        chosen.value = isChosen ? undefined : row.attempt;
                      }}
                    >
                      {row.attempt}
                    </button>
                  </td>
                  <td class="wide-only">
                    <a href={attemptHref(row.workload, row.attempt)}>{row.name}</a>
                  </td>
                  <td class="number">{milli(row.cpuMilli)}</td>
                  <td>{row.cores.length === 0 ? 'any' : coresText(row.cores)}</td>
                  <td title={row.gpus.join(', ')}>{gpusText(row.gpus, gpuIds)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const gpusText = (gpus: readonly string[], all: readonly string[]): string =>
  gpus.length === 0
    ? UNKNOWN
    : gpus.map((id) => (all.includes(id) ? all.indexOf(id) : id)).join(', ');

function sentenceOf(list: readonly Placement[]): string {
  const kept = list.filter(({ cores }) => cores.length > 0).length;
  const shown = list.length > SHOWN_MAX ? ` The first ${SHOWN_MAX} are shown.` : '';
  if (kept === 0) return `${counted(list.length, 'task')}, none kept to certain cores.${shown}`;
  return `${counted(list.length, 'task')}, ${kept} kept to certain cores: click one to see its cells.${shown}`;
}
