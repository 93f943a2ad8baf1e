import { useState } from 'preact/hooks';
import type {
  BudgetList,
  SuggestionList,
  UsageReportDocument,
} from '../../../src/api/contract/money-documents.ts';
import { counted, dollars } from '../format.ts';
import { BudgetTable } from '../parts/budget-table.tsx';
import { Choice } from '../parts/choice.tsx';
import { Command, EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { UsageTable } from '../parts/usage-table.tsx';
import { anyWorkload, useDocument } from '../use-document.ts';

const spans = ['24h', '7d', '30d'] as const;
type Span = (typeof spans)[number];
const spanWords: Readonly<Record<Span, string>> = {
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
};
const keys = ['pipeline', 'user', 'model', 'queue'] as const;
type Key = (typeof keys)[number];
/** Reports read the journal. */
const seldom = { when: anyWorkload, everyMs: 10_000 };

/** What was spent, by whom, of which budgets, and what could be saved. */
export function CostPage() {
  const [span, chooseSpan] = useState<Span>('7d');
  const [by, chooseBy] = useState<Key>('pipeline');
  const { value: budgets, problem } = useDocument<BudgetList>('/api/v1/budgets', {
    when: anyWorkload,
    everyMs: 2_000,
  }).value;
  const { value: report } = useDocument<UsageReportDocument>(
    `/api/v1/usage-report?since=${span}&by=${by}`,
    seldom,
  ).value;
  const { value: savings } = useDocument<SuggestionList>(
    `/api/v1/suggestions?since=${span}`,
    seldom,
  ).value;
  return (
    <>
      <h1 class="lead">{report === undefined ? '\u00a0' : leadOf(report, span, budgets)}</h1>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <section class="part" aria-label="Budgets">
        <header class="section-head">
          <h2>Budgets</h2>
          <span class="muted">filled: spent, outlined: with what is held back for what runs</span>
          <Command text="berth budget" />
        </header>
        {budgets?.budgets.length === 0 && (
          <EmptyNote command="berth up --site examples/budgets.yaml --prices examples/prices.yaml">
            No budgets are set. They stand in the site file, and the prices in a file of their own.
          </EmptyNote>
        )}
        {budgets !== undefined && budgets.budgets.length > 0 && <BudgetTable list={budgets} />}
      </section>
      <section class="part" aria-label="Use">
        <header class="section-head">
          <h2>Use</h2>
          <Choice<Key> label="By" options={keys} chosen={by} onChoose={chooseBy} />
          <Choice<Span> label="Since" options={spans} chosen={span} onChoose={chooseSpan} />
          <Command text={`berth usage --since ${span} --by ${by}`} />
        </header>
        {report?.rows.length === 0 && (
          <EmptyNote command="berth run examples/quickstart.yaml">
            Nothing ran and nothing was spent in these {spanWords[span]}.
          </EmptyNote>
        )}
        {report !== undefined && report.rows.length > 0 && <UsageTable report={report} />}
        {report?.complete === false && (
          <p class="muted">The journal does not tell of all that time.</p>
        )}
      </section>
      <Savings list={savings} span={span} />
    </>
  );
}

function leadOf(
  { total }: UsageReportDocument,
  span: Span,
  budgets: BudgetList | undefined,
): string {
  const spent =
    total.cost > 0
      ? `${total.unpriced > 0 ? 'At least ' : ''}${dollars(total.cost)} in ${spanWords[span]}`
      : `Nothing with a price in ${spanWords[span]}`;
  const full = (budgets?.budgets ?? []).filter(({ spent, reserved, limit, soft }) => {
    return limit > 0 && spent + reserved >= (soft ?? limit);
  });
  return full.length === 0
    ? `${spent}.`
    : `${spent}. ${counted(full.length, 'budget')} ${full.length === 1 ? 'is' : 'are'} used up.`;
}

function Savings({
  list,
  span,
}: {
  readonly list: SuggestionList | undefined;
  readonly span: Span;
}) {
  if (list === undefined || list.suggestions.length === 0) return null;
  return (
    <section class="part" aria-label="Savings">
      <header class="section-head">
        <h2>What would save</h2>
        <Command text={`berth suggest --since ${span}`} />
      </header>
      <ul class="savings">
        {list.suggestions.map((one) => (
          <li key={`${one.kind} ${one.description}`}>
            <strong>{one.description}</strong>
            <p>{one.evidence}</p>
            <p class="muted">
              {one.monthly_saving === null
                ? 'The saving is not known'
                : `${dollars(one.monthly_saving)} a month`}
              : {one.formula}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
