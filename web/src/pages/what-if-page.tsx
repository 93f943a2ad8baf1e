import { useEffect, useRef, useState } from 'preact/hooks';
import type { NodeList, Problem } from '../../../src/api/contract/documents.ts';
import type { WhatIfDocument } from '../../../src/api/contract/what-if-documents.ts';
import { ApiProblem, postJson } from '../api-client.ts';
import { duration } from '../format.ts';
import { Command, ProblemNote } from '../parts/notes.tsx';
import { WhatIfForm } from '../parts/what-if-form.tsx';
import { WhatIfResult } from '../parts/what-if-result.tsx';
import { goToWhatIf } from '../router.ts';
import { now } from '../server-time.ts';
import { anew, useDocument } from '../use-document.ts';
import {
  isEmpty,
  type WhatIfChange,
  type WhatIfPlace,
  whatIfCommand,
  whatIfHref,
  whatIfRequest,
} from '../what-if-place.ts';
import { whatIfSentence } from '../what-if-words.ts';

/** A month of a large site is replayed in a minute or two. */
const ANSWER_MS_MAX = 600_000;

/** What was asked last, and what came of it. */
interface Asked {
  readonly href: string;
  readonly answer: WhatIfDocument;
}

/** Knobs on the left; on the right what turning them would do. Nothing of the site is changed. */
export function WhatIfPage({ at }: { readonly at: WhatIfPlace }) {
  const { asked, problem, since, run, stop } = useWhatIf(at);
  const answer = asked?.answer;
  const isOther = asked !== undefined && asked.href !== whatIfHref(at);
  return (
    <>
      <h1 class="lead">
        {answer === undefined
          ? 'What would a change do to waits, shares and money?'
          : whatIfSentence(answer)}
      </h1>
      <p class="sub">
        {answer === undefined
          ? 'Two copies of the site are played forward, one changed. Nothing of the site itself is.'
          : `${isOther ? 'Of what was asked before' : 'If'}: ${answer.changes.join(' and ') || 'all as it was'}. Nothing was changed.`}
      </p>
      <div class="what-if-sides">
        <section class="what-if-knobs" aria-label="What is asked">
          <WhatIfForm at={at} />
          <div class="what-if-run">
            {since === undefined ? (
              <button type="button" class="strong" disabled={isEmpty(at)} onClick={run}>
                See what it would do
              </button>
            ) : (
              <button type="button" onClick={stop}>
                Stop
              </button>
            )}
            <output class="muted">
              {since !== undefined && 'Playing it through'}
              {since === undefined && answer !== undefined && `Done in ${duration(answer.took_ms)}`}
            </output>
            {/* Not read out each second. */}
            {since !== undefined && (
              <span class="muted" aria-hidden="true">
                {duration(Math.max(0, now.value - since))}
              </span>
            )}
          </div>
          {!isEmpty(at) && <Command text={whatIfCommand(at)} />}
        </section>
        <div class="what-if-answer">
          {problem !== undefined && <ProblemNote problem={problem} />}
          {answer === undefined && problem === undefined && <Examples at={at} />}
          {answer !== undefined && <WhatIfResult answer={answer} />}
        </div>
      </div>
    </>
  );
}

/** One question at a time; to stop, and to leave the page, lets go of it. The last answer stays until the next. */
function useWhatIf(at: WhatIfPlace) {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [since, setSince] = useState<number | undefined>(undefined);
  const current = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => current.current?.abort(), []);
  const run = async (): Promise<void> => {
    const left = new AbortController();
    current.current = left;
    setSince(now.value);
    setProblem(undefined);
    try {
      const answer = await postJson<WhatIfDocument>('/api/v1/whatif', whatIfRequest(at), {
        signal: left.signal,
        limitMs: ANSWER_MS_MAX,
      });
      setAsked({ href: whatIfHref(at), answer });
    } catch (error) {
      if (!left.signal.aborted) {
        if (!(error instanceof ApiProblem)) throw error;
        setProblem(error.problem);
      }
    } finally {
      setSince(undefined);
    }
  };
  return { asked, problem, since, run, stop: () => current.current?.abort() };
}

/** What the page is for; a click turns the knob. */
function Examples({ at }: { readonly at: WhatIfPlace }) {
  const node = useDocument<NodeList>('/api/v1/nodes', anew).value.value?.nodes[0]?.id;
  const take = (change: WhatIfChange): void => goToWhatIf({ ...at, changes: [change] });
  const more = node === undefined ? 'cpu=32,memory=128Gi' : `like=${node}`;
  return (
    <div class="note empty">
      <p>
        {isEmpty(at)
          ? 'Turn a knob, or begin with one of these:'
          : 'Ready to be asked. Or begin with one of these:'}
      </p>
      <button type="button" onClick={() => take({ kind: 'add', text: more })}>
        Would a node more help?
      </button>
      <button type="button" onClick={() => take({ kind: 'policy', text: 'fair_share' })}>
        What if it were shared fairly?
      </button>
    </div>
  );
}
