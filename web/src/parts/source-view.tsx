import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../../../src/api/contract/documents.ts';
import { ApiProblem, getText } from '../api-client.ts';
import { ProblemNote } from './notes.tsx';

/** The document as it was written, with line numbers. */
export function SourceView({ id }: { readonly id: string }) {
  const source = useSignal<string | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  useEffect(() => {
    const left = new AbortController();
    getText(`/api/v1/workloads/${id}/source`, left.signal)
      .then((text) => {
        source.value = text;
      })
      .catch((error: unknown) => {
        if (left.signal.aborted) return;
        if (!(error instanceof ApiProblem)) throw error;
        problem.value = error.problem;
      });
    return () => left.abort();
  }, [id]);
  if (problem.value !== undefined) return <ProblemNote problem={problem.value} />;
  const lines = (source.value ?? '').replace(/\n$/, '').split('\n');
  return (
    <section
      class="source"
      aria-label="Submitted document"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it
      tabIndex={0}
    >
      <pre>
        {lines.map((line, i) => (
          // Lines of one text have no other name than their number.
          <span key={i} class="line">
            {coloured(line)}
            {'\n'}
          </span>
        ))}
      </pre>
    </section>
  );
}

/** Just enough of YAML to read it faster: keys and comments. */
function coloured(line: string) {
  const [, indent = '', key, rest = line] =
    /^(\s*(?:- )?)([\w./-]+:)(?=\s|$)(.*)$/.exec(line) ?? [];
  const comment = /(^|\s)#.*$/.exec(rest);
  const text = comment === null ? rest : rest.slice(0, comment.index);
  return (
    <>
      {indent}
      {key !== undefined && <b>{key}</b>}
      {text}
      {comment !== null && <i>{comment[0]}</i>}
    </>
  );
}
