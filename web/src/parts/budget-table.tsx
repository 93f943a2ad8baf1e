import type { BudgetList } from '../../../src/api/contract/money-documents.ts';
import { dollars, duration, UNKNOWN } from '../format.ts';
import { projectedEnd } from '../projection.ts';
import { now } from '../server-time.ts';
import { ResourceBar } from './resource-bar.tsx';

type Budget = BudgetList['budgets'][number];

const scopeWords: Readonly<Record<Budget['scope'], string>> = {
  site: 'all together',
  queue: 'a queue',
  tenant: 'a tenant',
  'each-tenant': 'each tenant',
  team: 'a team',
};

const atLimitWords: Readonly<Record<Budget['at_limit'], string>> = {
  stop: 'stops what runs',
  'finish-step': 'lets steps end',
  queue: 'waits for the reset',
  refuse: 'is refused',
};

/** What was spent and is held back of each budget, and how its period ends at this rate. */
export function BudgetTable({ list }: { readonly list: BudgetList }) {
  return (
    <table class="queue-tree spending" aria-label="Budgets">
      <thead>
        <tr>
          <th scope="col">Budget</th>
          <th scope="col">Spent</th>
          <th scope="col" class="number">
            Of
          </th>
          <th scope="col" class="number wide-only">
            At this rate
          </th>
          <th scope="col" class="wide-only">
            For
          </th>
          <th scope="col" class="wide-only">
            Beyond it
          </th>
          <th scope="col" class="number">
            Resets
          </th>
        </tr>
      </thead>
      <tbody>
        {list.budgets.map((budget) => (
          <BudgetRow key={`${budget.name} ${budget.of} ${budget.tenant}`} budget={budget} />
        ))}
      </tbody>
    </table>
  );
}

function BudgetRow({ budget }: { readonly budget: Budget }) {
  const { spent, reserved, limit, resets_at: reset } = budget;
  const rate = budget.window === 'rate' ? ' an hour' : '';
  const end = budget.window === 'periods' ? projectedEnd(spent, budget, now.value) : undefined;
  const label =
    `${dollars(spent)}${rate} spent and ${dollars(reserved)} held back ` + `of ${dollars(limit)}`;
  return (
    <tr data-budget={budget.name}>
      <th scope="row">{budget.name}</th>
      <td class="col-use">
        <ResourceBar
          resource="custom"
          used={spent}
          requested={spent + reserved}
          limit={limit}
          label={label}
        />
      </td>
      <td class="number">
        {dollars(limit)}
        {rate}
      </td>
      <td class={`number wide-only${end !== undefined && end > limit ? ' over' : ''}`}>
        {end === undefined ? UNKNOWN : dollars(end)}
      </td>
      <td class="wide-only">{budget.tenant ?? budget.of ?? scopeWords[budget.scope]}</td>
      <td class="wide-only">{atLimitWords[budget.at_limit]}</td>
      <td class="number">{reset === null ? UNKNOWN : `in ${duration(reset - now.value)}`}</td>
    </tr>
  );
}
