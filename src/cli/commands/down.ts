import type { WorkloadSummary } from '../../api/contract/documents.ts';
import { OperationError } from '../../model/errors.ts';
import type { Client } from '../client.ts';
import { type CommandResult, defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { count, enumerate } from '../text.ts';
import { timerMs } from '../timer-ms.ts';
import { pause } from '../watch-workload.ts';
import type { World } from '../world.ts';

const ACTIVE_MAX = 1_000;
const DOWN_MS_MAX = 30_000;
const LOOK_EVERY_MS = 50;
/** Longer than the grace time of any sensible task. */
const CANCEL_MS_DEFAULT = 120_000;

export const down = defineCommand({
  name: 'down',
  group: 'Daemon',
  summary: 'End the daemon; what runs goes on running',
  details: ['Where no daemon runs there is nothing to do, and that is no failure.'],
  options: {
    cancel: { kind: 'flag', summary: 'cancel all workloads first, and wait for their end' },
    timeout: { kind: 'span', value: 'time', summary: 'how long --cancel waits (2m)' },
  },
  json: '{ended, pid, going_on: [id, …]}',
  async run({ options }, world): Promise<CommandResult> {
    const client = await world.daemons.find();
    const stateDir = world.settings.stateDir.value;
    if (client === undefined) {
      const sentence = `No daemon runs on ${stateDir}: nothing to do.`;
      const document = { ended: false, pid: null, going_on: [] };
      return { document, view: () => [sentence], exit: EXIT.ok };
    }
    const { pid } = await client.status();
    if (options.cancel) await cancelAll(client, options.timeout ?? CANCEL_MS_DEFAULT, world);
    const running = (await active(client)).filter(({ status }) => status === 'running');
    await client.shutDown();
    await ended(client, pid, world);
    const ids = running.map(({ id }) => id);
    return {
      document: { ended: true, pid, going_on: ids },
      view: () => [`The daemon (pid ${pid}) has ended.`, ...goingOn(ids)],
      exit: EXIT.ok,
    };
  },
});

function goingOn(ids: readonly string[]): readonly string[] {
  if (ids.length === 0) return [];
  const shown = ids.length > 8 ? [...ids.slice(0, 8), `${ids.length - 8} more`] : ids;
  const them = ids.length === 1 ? 'it' : 'them';
  return [
    `${count(ids.length, 'workload')} ${ids.length === 1 ? 'goes' : 'go'} on running under the launcher: ${enumerate(shown)}.`,
    `To stop ${them}: \`berth up -d && berth down --cancel\`. The next daemon finds ${them} again.`,
  ];
}

async function active(client: Client): Promise<readonly WorkloadSummary[]> {
  return (await client.workloads({ state: 'active', limit: ACTIVE_MAX, offset: 0 })).workloads;
}

async function cancelAll(client: Client, timeoutMs: number, world: World): Promise<void> {
  const late = AbortSignal.timeout(timerMs(timeoutMs));
  for (let asked = false; ; asked = true) {
    const left = await active(client);
    if (left.length === 0) return;
    if (!asked) world.note(`Cancelling ${count(left.length, 'workload')}.`);
    for (const { id } of left) await client.cancel(id);
    await pause(LOOK_EVERY_MS * 4, late);
    if (late.aborted) {
      const waited = formatSpan(timeoutMs);
      const names = enumerate(left.slice(0, 8).map(({ id }) => id));
      throw new OperationError(
        'TIMED_OUT',
        `Not ended within ${waited}: ${names}. The daemon is still up.`,
      );
    }
  }
}

/** Once the process has gone, or, where it cannot be seen, the socket is silent. */
async function ended(client: Client, pid: number, world: World): Promise<void> {
  const late = AbortSignal.timeout(DOWN_MS_MAX);
  const isLocal = world.settings.url.value === undefined;
  while (!late.aborted) {
    if (isLocal ? !world.daemons.isAlive(pid) : await isSilent(client)) return;
    await pause(LOOK_EVERY_MS, late);
  }
  throw new OperationError(
    'TIMED_OUT',
    `The daemon (pid ${pid}) has not ended within ${formatSpan(DOWN_MS_MAX)}.`,
  );
}

async function isSilent(client: Client): Promise<boolean> {
  try {
    await client.status();
    return false;
  } catch (error) {
    if (error instanceof OperationError && error.code === 'DAEMON_DOWN') return true;
    throw error;
  }
}
