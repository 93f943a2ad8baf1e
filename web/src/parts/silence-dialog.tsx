import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { AlertDocument } from '../../../src/api/contract/telemetry-documents.ts';
import { matchArguments, matchesText } from '../alert-words.ts';
import { Choice } from './choice.tsx';
import { Command } from './notes.tsx';
import { type Done, UndoNote } from './undo-note.tsx';

const spans = { '1 h': 3_600_000, '4 h': 14_400_000, '24 h': 86_400_000, '7 d': 604_800_000 };
type Span = keyof typeof spans;
const COMMENT_MAX = 200;

export interface NewSilence {
  readonly matches: Readonly<Record<string, string>>;
  readonly for_ms: number;
  readonly comment: string;
}

interface SilenceDialogProps {
  readonly alert: AlertDocument;
  /** Where a failure shows: the dialog stays open. */
  readonly done: Signal<Done | undefined>;
  onClose(): void;
  /** Whether it was done. */
  onSilence(silence: NewSilence): Promise<boolean>;
}

/** Of which alerts nobody shall be told, and for how long. */
export function SilenceDialog({ alert, done, onClose, onSilence }: SilenceDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const span = useSignal<Span>('4 h');
  const comment = useSignal('');
  const left = useSignal<readonly string[]>([]);
  useEffect(() => dialog.current?.showModal(), []);
  const all: Readonly<Record<string, string>> = { alert: alert.rule, ...alert.labels };
  const matches = Object.fromEntries(
    Object.entries(all).filter(([name]) => name === 'alert' || !left.value.includes(name)),
  );
  const silence = async (event: Event): Promise<void> => {
    event.preventDefault();
    const isDone = await onSilence({
      matches,
      for_ms: spans[span.value],
      comment: comment.value.trim(),
    });
    if (isDone) dialog.current?.close();
  };
  const toggle = (name: string): void => {
    left.value = left.value.includes(name)
      ? left.value.filter((one) => one !== name)
      : [...left.value, name];
  };
  return (
    <dialog ref={dialog} aria-labelledby="silence-title" onClose={onClose}>
      <form onSubmit={silence}>
        <h2 id="silence-title">Tell nobody of {alert.rule}</h2>
        <p class="muted">It still fires and is shown here. A silence holds for all alerts with:</p>
        <p class="checks">
          {Object.entries(all).map(([name, value]) => (
            <label key={name} class="check">
              <input
                type="checkbox"
                checked={name in matches}
                disabled={name === 'alert'}
                onChange={() => toggle(name)}
              />
              <code>{matchesText({ [name]: value })}</code>
            </label>
          ))}
        </p>
        <p>
          <Choice<Span>
            label="For"
            options={Object.keys(spans) as Span[]}
            chosen={span.value}
            onChoose={(chosen) => {
              span.value = chosen;
            }}
          />
        </p>
        <p>
          <label class="field">
            Why
            <input
              type="text"
              maxLength={COMMENT_MAX}
              value={comment.value}
              placeholder="known, ada looks into it"
              onInput={(event) => {
                comment.value = event.currentTarget.value;
              }}
            />
          </label>
        </p>
        <p>
          <Command
            text={`berth alerts silence ${matchArguments(matches)} --for ${span.value.replace(' ', '')}`}
          />
        </p>
        {done.value?.problem !== undefined && <UndoNote done={done} />}
        <div class="dialog-buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Leave it
          </button>
          <button type="submit">Silence</button>
        </div>
      </form>
    </dialog>
  );
}
