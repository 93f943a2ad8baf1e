import type { Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../../../src/api/contract/documents.ts';
import { ApiProblem } from '../api-client.ts';
import { ProblemNote } from './notes.tsx';

const SHOWN_MS = 20_000;

/** What was just done here, how to take it back; or why it could not be done. */
export interface Done {
  readonly sentence: string;
  readonly undo: (() => Promise<void>) | undefined;
  readonly problem?: Problem;
}

/** Does something and tells of it in `done`, or of what went wrong. */
export async function doing(
  done: Signal<Done | undefined>,
  act: () => Promise<Done>,
): Promise<boolean> {
  try {
    done.value = await act();
    return true;
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    done.value = { sentence: '', undo: undefined, problem: error.problem };
    return false;
  }
}

export function UndoNote({ done }: { readonly done: Signal<Done | undefined> }) {
  const { value } = done;
  useEffect(() => {
    if (value === undefined) return undefined;
    const timer = setTimeout(() => {
      done.value = undefined;
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [value]);
  if (value?.problem !== undefined) return <ProblemNote problem={value.problem} />;
  return (
    <output class={value === undefined ? 'undo-note empty' : 'undo-note'}>
      {value?.sentence}
      {value?.undo !== undefined && (
        <button type="button" onClick={value.undo}>
          Undo
        </button>
      )}
    </output>
  );
}
