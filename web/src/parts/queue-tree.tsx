import type { QueueDocument, QueueList } from '../../../src/api/contract/queue-documents.ts';
import { bytes, milli, percent, UNKNOWN, whole } from '../format.ts';
import { ResourceBar } from './resource-bar.tsx';

type Amounts = QueueDocument['held'];
type Limits = QueueDocument['limit'];
type Name = keyof Amounts;

const DEPTH_SHOWN_MAX = 5;
const resources = {
  gpu_milli: 'gpu',
  cpu_milli: 'cpu',
  memory_bytes: 'memory',
} as const satisfies Record<Name, 'cpu' | 'memory' | 'gpu'>;
const names = Object.keys(resources) as Name[];

interface QueueTreeProps {
  readonly list: QueueList;
  readonly chosen: string | undefined;
  onChoose(name: string | undefined): void;
}

/** The queues, parents above their children; a click on one shows what waits there. */
export function QueueTree({ list, chosen, onChoose }: QueueTreeProps) {
  const rows = shownQueues(list);
  if (rows.length < 2) return null;
  const least = Math.min(...rows.map(({ depth }) => depth));
  return (
    <section class="part" aria-label="Queues">
      <header class="section-head">
        <h2>Queues</h2>
        <span class="muted">filled: held, outlined: guaranteed, tick: limit</span>
      </header>
      <table class="queue-tree" aria-label="Queues">
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">Use</th>
            <th scope="col" class="wide-only">
              Held
            </th>
            <th scope="col" class="wide-only">
              Guaranteed
            </th>
            <th scope="col" class="wide-only">
              Limit
            </th>
            <th scope="col" class="number" title="Of the whole site, of one resource">
              Share
            </th>
            <th scope="col" class="number wide-only" title="What it may have by weight">
              Fair
            </th>
            <th scope="col" class="number">
              Runs
            </th>
            <th scope="col" class="number">
              Waits
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((queue) => (
            <tr
              key={queue.name}
              data-queue={queue.name}
              class={queue.name === chosen ? 'chosen' : ''}
            >
              <th scope="row">
                <button
                  type="button"
                  class={`plain depth-${Math.min(DEPTH_SHOWN_MAX, queue.depth - least)}`}
                  aria-pressed={queue.name === chosen}
                  title={ruleOf(queue)}
                  onClick={() => onChoose(queue.name === chosen ? undefined : queue.name)}
                >
                  {queue.kind === 'team'
                    ? queue.name.slice(queue.name.lastIndexOf('/') + 1)
                    : queue.name}
                </button>
              </th>
              <td class="col-use">
                <Use queue={queue} capacity={list.capacity} />
              </td>
              <td class="wide-only">{amountsText(queue.held)}</td>
              <td class="wide-only">{amountsText(queue.guaranteed)}</td>
              <td class="wide-only">{amountsText(queue.limit)}</td>
              <td class="number">{percent(queue.share_ratio)}</td>
              <td class="number wide-only">{percent(queue.entitled_ratio)}</td>
              <td class="number">{whole(queue.running)}</td>
              <td class="number">{whole(queue.waiting)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Without the root, where it only stands above one queue. */
function shownQueues({ queues }: QueueList): readonly QueueDocument[] {
  const top = queues.filter(({ depth }) => depth === 1);
  return top.length === 1 ? queues.filter(({ depth }) => depth > 0) : queues;
}

/** The resource of which the queue holds most, or is guaranteed most. */
function Use({ queue, capacity }: { readonly queue: QueueDocument; readonly capacity: Amounts }) {
  const part = (of: Amounts, name: Name): number => of[name] / Math.max(1, capacity[name]);
  const most = names.reduce((best, name) => {
    const [a, b] = [part(queue.held, name), part(queue.held, best)];
    if (a !== b) return a > b ? name : best;
    return part(queue.guaranteed, name) > part(queue.guaranteed, best) ? name : best;
  });
  const limit = queue.limit[most];
  const label = [
    `${amountText(most, queue.held[most])} held`,
    queue.guaranteed[most] > 0 ? `${amountText(most, queue.guaranteed[most])} guaranteed` : '',
    limit === null ? 'no limit' : `limit ${amountText(most, limit)}`,
    `the site has ${amountText(most, capacity[most])}`,
  ];
  return (
    <ResourceBar
      resource={resources[most]}
      used={queue.held[most]}
      requested={queue.guaranteed[most]}
      limit={limit}
      whole={Math.max(capacity[most], queue.held[most], queue.guaranteed[most])}
      label={label.filter((text) => text !== '').join(', ')}
    />
  );
}

function ruleOf({ order, fifo, weight, running_max, reclaim }: QueueDocument): string {
  const cap = running_max === null ? '' : `, at most ${running_max} at once`;
  return `order ${order}${fifo === 'strict' ? ', strictly in turn' : ''}, weight ${weight}, reclaim ${reclaim}${cap}`;
}

export function amountsText(amounts: Amounts | Limits): string {
  const parts = (['cpu_milli', 'memory_bytes', 'gpu_milli'] as const).flatMap((name) => {
    const amount = amounts[name];
    return amount === null || amount === 0 ? [] : [amountText(name, amount)];
  });
  return parts.join(', ') || UNKNOWN;
}

function amountText(name: Name, amount: number): string {
  if (name === 'memory_bytes') return bytes(amount);
  return `${milli(amount)} ${name === 'cpu_milli' ? 'CPU' : 'GPU'}`;
}
