import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Problem, WorkloadDocument } from '../../../src/api/contract/documents.ts';
import { ApiProblem, post } from '../api-client.ts';
import { counted, duration } from '../format.ts';
import { Command, ProblemNote } from './notes.tsx';

/** Asks before it acts, and says what will happen. */
export function CancelButton({ document }: { readonly document: WorkloadDocument }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const problem = useSignal<Problem | undefined>(undefined);
  const { id, workload, steps } = document;
  const cancel = async (): Promise<void> => {
    try {
      await post(`/api/v1/workloads/${id}/cancel`);
      dialog.current?.close();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      problem.value = error.problem;
    }
  };
  const open = (): void => {
    problem.value = undefined;
    dialog.current?.showModal();
  };
  return (
    <>
      <button type="button" onClick={open}>
        Cancel…
      </button>
      <dialog ref={dialog} aria-labelledby="cancel-title">
        <h2 id="cancel-title">
          Cancel {workload.name} <span class="id">#{id}</span>?
        </h2>
        <p>{consequences(steps)}</p>
        {problem.value !== undefined && <ProblemNote problem={problem.value} />}
        <div class="dialog-buttons">
          <Command text={`berth cancel ${id}`} />
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" class="danger" onClick={cancel}>
            Cancel the workload
          </button>
        </div>
      </dialog>
    </>
  );
}

function consequences(steps: WorkloadDocument['steps']): string {
  const running = steps.reduce((sum, { tasks }) => sum + tasks.running, 0);
  const waiting = steps.reduce((sum, { tasks }) => sum + tasks.waiting, 0);
  const graces = steps
    .filter(({ tasks }) => tasks.running > 0)
    .map(({ limits }) => limits.grace_ms);
  const parts = [
    running > 0 &&
      `${counted(running, 'running task')} ${running === 1 ? 'gets' : 'get'} SIGTERM, and SIGKILL after ${duration(Math.max(...graces))}.`,
    waiting > 0 && `${counted(waiting, 'waiting task')} will never start.`,
  ];
  return `${parts.filter((part) => part !== false).join(' ')} This cannot be undone.`;
}
