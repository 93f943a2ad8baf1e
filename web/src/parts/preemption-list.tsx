import type { PreemptionList } from '../../../src/api/contract/preemption-documents.ts';
import { Mark } from './mark.tsx';
import { Ago } from './moments.tsx';

/** Who was stopped for whom, newest first, with the numbers that decided. */
export function PreemptionNotes({ list }: { readonly list: PreemptionList | undefined }) {
  if (list === undefined || list.preemptions.length === 0) return null;
  return (
    <section class="part" aria-label="Preemptions">
      <header class="section-head">
        <h2>Stopped for others</h2>
        <span class="muted">the last {list.preemptions.length}</span>
      </header>
      <ul class="preemptions">
        {list.preemptions.map(({ at, preemptor, sentence }) => (
          <li key={`${at} ${preemptor.task}`}>
            <Mark state="preempted" /> <Ago at={at} />: {sentence}.
          </li>
        ))}
      </ul>
    </section>
  );
}
