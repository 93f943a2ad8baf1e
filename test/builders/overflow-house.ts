import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { SubmitOutcome } from '../../src/api/contract/views.ts';
import { OVERFLOW_MAX, Overflow } from '../../src/app/overflow.ts';
import { timeMs } from '../../src/base/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { TenantId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { SchedulingConfig } from '../../src/model/scheduling-config.ts';
import { Loop } from '../../src/runtime/loop.ts';
import { endedBy } from './engine-bench.ts';
import { silentDriver } from './silent-driver.ts';
import { type Ask, node, Site, specOf } from './site.ts';

/** When all of it happens. */
export const houseAt = timeMs(1_000);

export interface House {
  readonly engine: Engine;
  readonly loop: Loop;
  readonly overflow: Overflow;
  /** What is durable. */
  readonly journal: Event[];
  readonly logged: string[];
}

/** A loop and its overflow over what an earlier one left. `dies` is asked at each batch of the journal. */
export function house(
  file: string,
  changes: {
    readonly journal?: readonly Event[];
    readonly scheduling: SchedulingConfig;
    readonly max?: typeof OVERFLOW_MAX;
    readonly dies?: (durable: () => void) => boolean;
  },
): House {
  const { dies = () => false, max = OVERFLOW_MAX } = changes;
  const engine = new Site(changes.scheduling).fresh();
  const journal = [...(changes.journal ?? [])];
  for (const event of journal) engine.apply(event);
  const logged: string[] = [];
  const append = async (events: readonly Event[]): Promise<void> => {
    const durable = () => journal.push(...events);
    // Nobody hears of it any more.
    if (dies(durable)) await new Promise(() => {});
    durable();
  };
  const loop = new Loop(
    { baseEnv: {}, workRoot: '/nowhere', nodePath: 'node' },
    {
      engine,
      journal: { append },
      clock: { now: () => houseAt, alarm: () => {} },
      driver: silentDriver,
      onBatch: (events) => overflow.noteEvents(events),
      onFatal: (error) => {
        throw error;
      },
    },
  );
  const log = (_room: string, sentence: string) => void logged.push(sentence);
  const overflow = new Overflow({ engine, loop, file, max, now: () => houseAt, log });
  return { engine, loop, overflow, journal, logged };
}

/** One that has a node; it is closed after the test. */
export async function openHouse(
  t: TestContext,
  ...given: Parameters<typeof house>
): Promise<House> {
  const made = house(...given);
  t.after(async () => {
    await made.loop.close();
    await made.overflow.close();
  });
  await made.loop.send({ kind: 'join-node', node: node('n', { cpu: 100_000 }) });
  await made.overflow.recover();
  return made;
}

export const submitTo = ({ overflow }: House, ask: Ask = {}): Promise<SubmitOutcome> =>
  overflow.submit(specOf(ask), (ask.tenant ?? 'ada') as TenantId);

export const said = (outcome: SubmitOutcome): string =>
  outcome.kind === 'refused' ? outcome.refusal.code : `${outcome.kind} ${outcome.id}`;

/** What runs succeeds, again and again, until nothing more comes of it. */
export async function settle({ engine, loop }: House): Promise<void> {
  for (let quiet = 0; quiet < 10; quiet++) {
    await turn();
    for (const { id } of [...engine.state.runningAttempts()]) {
      quiet = 0;
      await loop.send({ kind: 'report-ended', attempt: id, end: endedBy('succeeded') });
    }
  }
}

export const entered = ({ journal }: House): string[] =>
  journal.flatMap((event) => (event.kind === 'workload-submitted' ? event.workload : []));
