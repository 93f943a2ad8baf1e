import type { RebalanceDocument } from '../../api/contract/rebalance-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { parseSpan } from '../../spec/quantities.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { count } from '../text.ts';

export const rebalance = defineCommand({
  name: 'rebalance',
  group: 'Work',
  summary: 'Move tasks where that gains more than it disturbs, one after another',
  details: [
    'A node is emptied where its tasks fit elsewhere: each is stopped, with its checkpoint, and starts there. Else a task with cores of its own goes to others of its node that lie on fewer NUMA nodes, and is not stopped.',
    'After each move nothing on its node may fail for a while. If something does, it is taken back, and nothing more is moved.',
  ],
  options: {
    dryRun: { kind: 'flag', summary: 'only say what would be done' },
    status: {
      kind: 'flag',
      summary: 'only say what is being done, and what became of the last moves',
    },
    moves: { kind: 'text', value: 'n', summary: 'the most moves of a plan (8)' },
    settle: { kind: 'text', value: 'span', summary: 'how long each is watched (30s)' },
  },
  json: 'Rebalance: {now, plan, started, done, ended}',
  examples: [
    'berth rebalance --dry-run',
    'berth rebalance --settle 2m',
    'berth rebalance --status',
  ],
  async run({ options }, world) {
    const asked = {
      ...(options.moves !== undefined && { moves: movesOf(options.moves) }),
      ...(options.settle !== undefined && { settle_ms: settleOf(options.settle) }),
      ...(options.dryRun && { dry_run: true }),
    };
    const client = await world.daemons.connect();
    const document = options.status ? await client.rebalancing() : await client.rebalance(asked);
    return { document, view: () => render(document), exit: EXIT.ok };
  },
});

function movesOf(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new OperationError('USAGE', `--moves: '${text}' is not a number from 1 to 100.`);
}

function settleOf(text: string): number {
  const parsed = parseSpan(text);
  if (parsed.ok) return parsed.value;
  throw new OperationError('USAGE', `--settle: '${text}' is not a span such as 30s.`);
}

function render({ now, plan, started, done, ended }: RebalanceDocument): string[] {
  const lines: string[] = [];
  if (plan === null) lines.push('Nothing is being moved.');
  else {
    const verb = started ? `Moving, ${done} done` : 'Would be moved';
    lines.push(`${verb}: ${count(plan.moves.length, 'move')} on ${plan.node}.`);
    for (const { attempt, from, to, cores } of plan.moves) {
      const where = cores === undefined ? `from ${from} to ${to}` : `to CPUs ${cores.join(', ')}`;
      lines.push(`  ${attempt} ${where}`);
    }
  }
  for (const { at, attempt, outcome } of ended)
    lines.push(`  ${formatMoment(at, now)} ${attempt} ${outcome}`);
  return lines;
}
