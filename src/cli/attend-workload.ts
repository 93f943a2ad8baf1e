import type { WorkloadDocument } from '../api/contract/documents.ts';
import type { Client } from './client.ts';
import { ProgressDisplay } from './progress-display.ts';
import { watchWorkload } from './watch-workload.ts';
import type { World } from './world.ts';

export interface Attended {
  readonly document: WorkloadDocument;
  /** Undefined when it ended by itself. */
  readonly interrupted: 'detached' | 'cancelled' | undefined;
}

export type InterruptSignal = 'SIGINT' | 'SIGTERM';

export interface AttendOptions {
  readonly world: World;
  /** The daemon is this process. */
  readonly isEmbedded: boolean;
  /** The signal that came before anybody could attend to it. */
  readonly interrupted?: () => InterruptSignal | undefined;
}

/**
 * Watches a workload to its end with progress on stderr. Ctrl-C asks what to do, a second one
 * cancels the workload and waits for its end, a third one stops waiting. Where nobody can be asked,
 * the first one leaves the workload to its daemon, or cancels it when that daemon is this process.
 */
export async function attendWorkload(
  client: Client,
  id: string,
  options: AttendOptions,
): Promise<Attended> {
  const { world, isEmbedded } = options;
  const display = new ProgressDisplay(world, { mayRedraw: true });
  const leave = new AbortController();
  const interruption = new Interruption(client, id, { world, isEmbedded, display, leave });
  const release = world.onInterrupt((signal) => interruption.interrupt(signal));
  const early = options.interrupted?.();
  if (early !== undefined) interruption.interrupt(early);
  let document: WorkloadDocument | undefined;
  try {
    const note = (sentence: string): void => display.say(sentence);
    for await (const seen of watchWorkload(client, id, { signal: leave.signal, note })) {
      document = seen;
      display.show(seen);
    }
    await interruption.settle();
    const { outcome } = interruption;
    // What was seen last may be from before the cancellation.
    if (outcome === 'cancelled') document = undefined;
    return { document: document ?? (await client.workload(id)), interrupted: outcome };
  } finally {
    release();
    display.close();
  }
}

class Interruption {
  outcome: Attended['interrupted'];
  readonly #client: Client;
  readonly #id: string;
  readonly #world: World;
  readonly #isEmbedded: boolean;
  readonly #display: ProgressDisplay;
  readonly #leave: AbortController;
  #question: AbortController | undefined;
  #busy: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(
    client: Client,
    id: string,
    deps: {
      readonly world: World;
      readonly isEmbedded: boolean;
      readonly display: ProgressDisplay;
      readonly leave: AbortController;
    },
  ) {
    this.#client = client;
    this.#id = id;
    this.#world = deps.world;
    this.#isEmbedded = deps.isEmbedded;
    this.#display = deps.display;
    this.#leave = deps.leave;
  }

  interrupt(signal: InterruptSignal): void {
    if (this.outcome === 'cancelled') {
      this.#display.say(`Not waiting any longer for ${this.#id} to end.`);
      this.#leave.abort();
      return;
    }
    const { stdin, stderr } = this.#world.terminal;
    const canAsk = signal === 'SIGINT' && stdin.isTerminal && stderr.isTerminal;
    if (this.#question !== undefined) this.#cancel();
    else if (canAsk) this.#busy = this.#ask().catch((error: unknown) => this.#fail(error));
    else if (this.#isEmbedded) this.#cancel();
    else this.#detach();
  }

  /** Waits for what an answer began; rethrows why it failed. */
  async settle(): Promise<void> {
    this.#question?.abort();
    await this.#busy;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #ask(): Promise<void> {
    const question = new AbortController();
    this.#question = question;
    const detach = this.#isEmbedded ? '' : '[d]etach: it goes on   ';
    this.#display.ask(`${detach}[c]ancel it   [k]eep watching   (Ctrl-C again cancels)`);
    for await (const key of this.#world.terminal.keys(question.signal)) {
      if (key === 'd' && !this.#isEmbedded) this.#detach();
      else if (key === 'c' || key === '\u0003') this.#cancel();
      else if (key !== 'k' && key !== '\u001b' && key !== '\r') continue;
      break;
    }
    this.#question = undefined;
    this.#display.ask(undefined);
  }

  #detach(): void {
    this.outcome = 'detached';
    this.#leave.abort();
  }

  #cancel(): void {
    this.outcome = 'cancelled';
    this.#question?.abort();
    this.#display.say(
      `Cancelling ${this.#id} and waiting for its end; Ctrl-C again stops waiting.`,
    );
    const cancelled = this.#client.cancel(this.#id).catch((error: unknown) => this.#fail(error));
    this.#busy = Promise.all([this.#busy, cancelled]).then(() => undefined);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#leave.abort();
  }
}
