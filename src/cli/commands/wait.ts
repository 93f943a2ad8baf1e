import type { WorkloadDocument } from '../../api/contract/documents.ts';
import { OperationError } from '../../model/errors.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { renderOutcome } from '../outcome.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { hasEnded } from '../status-word.ts';
import { printable } from '../text.ts';
import { timerMs } from '../timer-ms.ts';
import { watchWorkload } from '../watch-workload.ts';
import { exitOf } from '../workload-exit.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';
import type { World } from '../world.ts';

export const wait = defineCommand({
  name: 'wait',
  group: 'Work',
  summary: 'Wait for workloads to end, and show what they used',
  details: [
    'Ctrl-C stops the waiting, not the workload. The exit code is that of the worst one.',
    'With --ready, a service whose last update was rolled back counts as failed.',
  ],
  operand: {
    name: 'id',
    summary: 'of the workloads',
    required: true,
    many: true,
    complete: 'none',
  },
  options: {
    ready: {
      kind: 'flag',
      summary: 'of services: until as many replicas as are wanted are ready, and no update goes on',
    },
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
    const late =
      options.timeout === undefined ? [] : [AbortSignal.timeout(timerMs(options.timeout))];
    const signal = AbortSignal.any([interrupted.signal, ...late]);
    try {
      const documents = await Promise.all(
        ids.map((id) => {
          const isAlone = ids.length === 1;
          return ending(client, id, { world, signal, isAlone, ready: options.ready });
        }),
      );
      const going = ids.filter((_, i) => {
        const document = documents[i]!;
        return !hasEnded(document.status) && !(options.ready && isReady(document));
      });
      if (going.length > 0 && !interrupted.signal.aborted) {
        const waited = formatSpan(options.timeout!);
        throw new OperationError(
          'TIMED_OUT',
          `Not ${options.ready ? 'ready' : 'ended'} within ${waited}: ${going.join(', ')}.`,
        );
      }
      return {
        document: documents.length === 1 ? documents[0] : { workloads: documents },
        view: (page) => [
          ...documents
            .filter((document) => hasEnded(document.status))
            .flatMap((document, i) => [...(i > 0 ? [''] : []), ...renderOutcome(document, page)]),
          ...(options.ready ? documents.flatMap(readyLines) : []),
        ],
        exit: worst(documents, options.ready),
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
  options: {
    readonly world: World;
    readonly signal: AbortSignal;
    readonly isAlone: boolean;
    readonly ready: boolean;
  },
): Promise<WorkloadDocument> {
  const { world, signal, isAlone, ready } = options;
  const display = new ProgressDisplay(world, { mayRedraw: isAlone });
  let last: WorkloadDocument | undefined;
  try {
    const note = (sentence: string): void => display.say(sentence);
    for await (const document of watchWorkload(client, id, { signal, note })) {
      last = document;
      display.show(document);
      if (ready && document.service === undefined) throw noService(document);
      if (ready && isReady(document)) break;
    }
  } finally {
    display.close();
  }
  return last ?? client.workload(id);
}

/** As many as are wanted are ready, and all of the newest revision. */
const isReady = ({ service }: WorkloadDocument): boolean =>
  service !== undefined && service.update === null && service.ready >= service.replicas;

/** Ready with the revision before the one that was brought last. */
const exitOfReady = ({ service }: WorkloadDocument): number =>
  service?.rolled_back?.to === service?.revision ? EXIT.workloadFailed : EXIT.ok;

const noService = ({ id, workload }: WorkloadDocument): OperationError =>
  new OperationError('USAGE', `${id} (${workload.name}) is no service: wait without --ready`);

function readyLines({ id, workload, service, status }: WorkloadDocument): string[] {
  if (service === undefined || hasEnded(status)) return [];
  const { ready, replicas, revision, rolled_back: back } = service;
  const failed = back === null ? [] : [`Revision ${back.from} was rolled back: ${back.reason}.`];
  const name = printable(workload.name);
  return [
    `${name} (${id}): ${ready} of ${replicas} replicas ready, revision ${revision}.`,
    ...failed.map(printable),
  ];
}

function worst(documents: readonly WorkloadDocument[], ready: boolean): number {
  const exits = documents.map((document) =>
    ready && isReady(document) ? exitOfReady(document) : exitOf(document),
  );
  const order = [EXIT.interrupted, EXIT.workloadFailed, EXIT.workloadCancelled];
  return order.find((exit) => exits.includes(exit)) ?? EXIT.ok;
}
