import type { StepDocument } from '../../../src/api/contract/documents.ts';
import { whole } from '../format.ts';

type Counts = StepDocument['tasks'];

const kinds = ['succeeded', 'failed', 'cancelled', 'running', 'waiting'] as const;
const words: Readonly<Record<(typeof kinds)[number], string>> = {
  succeeded: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  running: 'running',
  waiting: 'waiting',
};

export function countsInWords(tasks: Counts): string {
  const parts = kinds
    .filter((kind) => tasks[kind] > 0)
    .map((kind) => `${whole(tasks[kind])} ${words[kind]}`);
  return `${whole(tasks.total)} ${tasks.total === 1 ? 'task' : 'tasks'}: ${parts.join(', ')}`;
}

/** How far a step or workload is: ended, running and waiting tasks in proportion, and the count. */
export function TaskProgress({ tasks }: { readonly tasks: Counts }) {
  const label = countsInWords(tasks);
  let x = 0;
  return (
    <span class="progress">
      <svg width="100%" height="8" role="img" aria-label={label}>
        <title>{label}</title>
        <rect class="progress-ground" width="100%" height="8" />
        {kinds.map((kind) => {
          const share = tasks.total === 0 ? 0 : (tasks[kind] / tasks.total) * 100;
          const from = x;
          x += share;
          return share === 0 || kind === 'waiting' ? null : (
            <rect
              key={kind}
              class={`progress-${kind}`}
              x={`${from}%`}
              width={`${share}%`}
              height="8"
            />
          );
        })}
      </svg>
      <span class="number">
        {whole(tasks.succeeded)}/{whole(tasks.total)}
      </span>
    </span>
  );
}
