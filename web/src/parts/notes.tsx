import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Problem } from '../../../src/api/contract/documents.ts';

/** What, why, what to do. */
export function ProblemNote({ problem }: { readonly problem: Problem }) {
  return (
    <div class="note problem" role="alert">
      <strong>{problem.title}.</strong> {problem.detail} <Prose text={problem.hint} />
    </div>
  );
}

/** Nothing is here: says so, and the next command to type. */
export function EmptyNote({
  children,
  command,
}: {
  readonly children: ComponentChildren;
  readonly command?: string;
}) {
  return (
    <div class="note empty">
      <p>{children}</p>
      {command !== undefined && <Command text={command} />}
    </div>
  );
}

/** A command that does the same in a terminal; a click copies it. */
export function Command({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <button type="button" class="command" onClick={copy} title="Copy the command">
      <code>{text}</code>
      <span aria-live="polite">{copied ? 'copied' : 'copy'}</span>
    </button>
  );
}

/** Text in which `…` stands for code. */
export function Prose({ text }: { readonly text: string }) {
  return (
    <>{text.split('`').map((part, i) => (i % 2 === 1 ? <code key={part}>{part}</code> : part))}</>
  );
}
