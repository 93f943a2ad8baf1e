import type { WaitingFor } from '../../../src/api/contract/queue-documents.ts';
import { whole } from '../format.ts';
import { workloadHref } from '../router.ts';

/** Who waits for what, in order of precedence: what stands above must change first. */
export function WaitingReasons({ reasons }: { readonly reasons: readonly WaitingFor[] }) {
  if (reasons.length === 0) return null;
  return (
    <section class="part" aria-label="Waiting by reason">
      <header class="section-head">
        <h2>Waiting by reason</h2>
        <span class="muted">what stands above must change first</span>
      </header>
      <table class="queue-reasons" aria-label="Waiting by reason">
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col" class="number">
              Tasks
            </th>
            <th scope="col">The first of them</th>
          </tr>
        </thead>
        <tbody>
          {reasons.map(({ code, meaning, tasks, first }) => (
            <tr key={code} data-code={code}>
              <th scope="row">
                <code title={meaning}>{code}</code>
              </th>
              <td class="number">{whole(tasks)}</td>
              <td>
                {first === null ? (
                  <span class="muted">work of others</span>
                ) : (
                  <>
                    <a href={workloadHref(first.workload)}>{first.task ?? `#${first.workload}`}</a>{' '}
                    {first.sentence}
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
