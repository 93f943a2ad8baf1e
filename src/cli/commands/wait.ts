import type { WorkloadDocument } from '../../api/contract/documents.ts';
import { OperationError } from '../../model/errors.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { renderOutcome } from '../outcome.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { hasEnded } from '../status-word.ts';
import { watchWorkload } from '../watch-workload.ts';
import { exitOf } from '../workload-exit.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';
import type { World } from '../world.ts';

export const wait = defineCommand({
  name: 'wait',
  group: 'Work',
  summary: 'Wait for workloads to end, and show what they used',
  details: ['Ctrl-C stops the waiting, not the workload. The exit code is that of the worst one.'],
  operand: {
    name: 'id',
    summary: 'of the workloads',
    required: true,
    many: true,
    complete: 'none',
  },
  options: {
    timeout: { kind: 'span', value: 'time', summary: 'give up after 90s, 5m, 1h…; exit code 75' },
  },
  json: 'Workload as `run` prints it; for several ids {workloads: [Workload, …]}',
  async run({ operands, options }, world) {
    const client = await world.daemons.connect();
    const ids: string[] = [];
    for (const operand of operands) ids.push(await checkId(client, operand));
    for (const id of ids) await withNearMiss(client, id, () => client.workload(id));
    const interrupted = new AbortController();
    const release = world.onInterrupt(() => interrupted.abort());
    const late = options.timeout === undefined ? [] : [AbortSignal.timeout(options.timeout)];
    const signal = AbortSignal.any([interrupted.signal, ...late]);
    try {
      const documents = await Promise.all(
        ids.map((id) => ending(client, id, { world, signal, isAlone: ids.length === 1 })),
      );
      const going = ids.filter((_, i) => !hasEnded(documents[i]!.status));
      if (going.length > 0 && !interrupted.signal.aborted) {
        const waited = formatSpan(options.timeout!);
        throw new OperationError('TIMED_OUT', `Not ended within ${waited}: ${going.join(', ')}.`);
      }
      return {
        document: documents.length === 1 ? documents[0] : { workloads: documents },
        view: (page) =>
          documents
            .filter((document) => hasEnded(document.status))
            .flatMap((document, i) => [...(i > 0 ? [''] : []), ...renderOutcome(document, page)]),
        exit: worst(documents),
      };
    } finally {
      release();
    }
  },
});

/** The workload at its end, or as it was when the signal aborted. */
async function ending(
  client: Client,
  id: string,
  options: { readonly world: World; readonly signal: AbortSignal; readonly isAlone: boolean },
): Promise<WorkloadDocument> {
  const { world, signal, isAlone } = options;
  const display = new ProgressDisplay(world, { mayRedraw: isAlone });
  let last: WorkloadDocument | undefined;
  try {
    const note = (sentence: string): void => display.say(sentence);
    for await (const document of watchWorkload(client, id, { signal, note })) {
      last = document;
      display.show(document);
    }
  } finally {
    display.close();
  }
  return last ?? client.workload(id);
}

function worst(documents: readonly WorkloadDocument[]): number {
  const exits = documents.map(exitOf);
  const order = [EXIT.interrupted, EXIT.workloadFailed, EXIT.workloadCancelled];
  return order.find((exit) => exits.includes(exit)) ?? EXIT.ok;
}
