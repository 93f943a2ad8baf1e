import { OperationError } from '../../model/errors.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { hasEnded } from '../status-word.ts';
import { renderTop, type TopData } from '../top/frame.ts';
import { CPU_METRIC, MEMORY_METRIC, useByWorkload } from '../top/task-use.ts';
import { initialTopState, pressKey, type TopState } from '../top/top-state.ts';
import { pause } from '../watch-workload.ts';
import type { World } from '../world.ts';

const LIST_MAX = 200;
/** As many as the route gives out: each is a task that runs. */
const SERIES_MAX = 1_000;
const USAGE_WINDOW_MS = 60_000;
/** At most one look per second, whatever happens; and one each five when nothing does. */
const LOOK_GAP_MS = 1_000;
const LOOK_EVERY_MS = 5_000;
/** Of the one screen that is printed where there is no terminal. */
const ROWS_DEFAULT = 24;
const WIDTH_MAX = 120;

export const top = defineCommand({
  name: 'top',
  group: 'Work',
  summary: 'Watch the machine and its workloads, live in the terminal',
  details: ['Where stdout is no terminal, one screen of it is printed.'],
  options: {},
  json: '{status: Status, nodes: NodeList, usage: Usage, workloads: WorkloadList}, once',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const { terminal, settings } = world;
    const isLive = terminal.stdout.isTerminal && terminal.stdin.isTerminal && terminal.canRedraw;
    if (isLive && !settings.json.value) {
      await new LiveTop(client, world).run();
      return { document: undefined, view: () => [], exit: EXIT.ok };
    }
    const data = await look(client, world, initialTopState);
    const { status, nodes, usage, list } = data;
    return {
      document: { status, nodes, usage, workloads: list },
      view: (page) =>
        renderTop(data, initialTopState, {
          page: { ...page, width: Math.min(page.width, WIDTH_MAX) },
          rows: ROWS_DEFAULT,
          now: data.at,
        }).map((line) => line.trimEnd()),
      exit: EXIT.ok,
    };
  },
});

async function look(client: Client, world: World, state: TopState): Promise<TopData> {
  const [status, nodes, usage, list, detail, alerts, use] = await Promise.all([
    client.status(),
    client.nodes(),
    client.usage(USAGE_WINDOW_MS),
    client.workloads({ state: 'all', limit: LIST_MAX, offset: 0 }),
    lookAt(client, state),
    orNothing(client.alerts()),
    orNothing(lookAtUse(client)),
  ]);
  const at = world.now();
  return { at, status, nodes, usage, list, detail, alerts, use, trouble: undefined };
}

async function lookAtUse(client: Client): Promise<TopData['use']> {
  const [cpu, memory] = await Promise.all([
    client.metrics(CPU_METRIC, SERIES_MAX),
    client.metrics(MEMORY_METRIC, SERIES_MAX),
  ]);
  return useByWorkload(cpu, memory);
}

/** An older daemon measures nothing and has no alerts. */
async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof OperationError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

async function lookAt(client: Client, state: TopState): Promise<TopData['detail']> {
  if (state.view !== 'detail' || state.selected === undefined) return undefined;
  const [document, why] = await Promise.all([
    client.workload(state.selected),
    client.why(state.selected),
  ]);
  return { document, why };
}

class LiveTop {
  readonly #client: Client;
  readonly #world: World;
  readonly #over = new AbortController();
  #state = initialTopState;
  #data: TopData | undefined;
  #wake: () => void = () => undefined;
  #failure: unknown;

  constructor(client: Client, world: World) {
    this.#client = client;
    this.#world = world;
  }

  async run(): Promise<void> {
    const { terminal } = this.#world;
    // A daemon that does not answer at all is told before the screen is taken.
    this.#data = await look(this.#client, this.#world, this.#state);
    const release = terminal.takeScreen();
    const unlisten = terminal.onResize(() => this.#draw());
    const unhook = this.#world.onInterrupt(() => this.#over.abort());
    const ticker = setInterval(() => this.#tick(), LOOK_GAP_MS);
    try {
      this.#draw();
      const looking = Promise.all([this.#keepLooking(), this.#listen()]).catch((error: unknown) => {
        this.#failure = error;
        this.#over.abort();
      });
      await this.#obeyKeys();
      this.#over.abort();
      this.#wake();
      await looking;
    } finally {
      clearInterval(ticker);
      unhook();
      unlisten();
      release();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #obeyKeys(): Promise<void> {
    for await (const key of this.#world.terminal.keys(this.#over.signal)) {
      const before = this.#state;
      const after = pressKey(before, key, this.#data?.list.workloads ?? []);
      if (after === undefined) return;
      this.#state = after;
      if (after.view === 'detail' && before.view !== 'detail') this.#wake();
      this.#draw();
    }
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await pause(LOOK_GAP_MS, signal);
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const openDetail = this.#state.view === 'detail' && this.#data?.detail === undefined;
      if (!openDetail) await Promise.race([woken, pause(LOOK_EVERY_MS, signal)]);
      if (signal.aborted) return;
      try {
        this.#data = await look(this.#client, this.#world, this.#state);
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        this.#data = { ...this.#data!, trouble: error.message };
      }
      this.#draw();
    }
  }

  async #listen(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        for await (const _ of this.#client.changes(signal)) this.#wake();
      } catch (error) {
        if (!(error instanceof OperationError) && !signal.aborted) throw error;
      }
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  /** Running times grow, and so does the age of stale data; otherwise there is nothing to draw. */
  #tick(): void {
    const moves = this.#data?.list.workloads.some(({ status }) => !hasEnded(status)) === true;
    if (moves || this.#data?.trouble !== undefined) this.#draw();
  }

  #draw(): void {
    if (this.#data === undefined || this.#over.signal.aborted) return;
    const { terminal } = this.#world;
    const full = terminal.stdoutPage();
    const page = { ...full, width: full.width - 1 };
    const lines = renderTop(this.#data, this.#state, {
      page,
      rows: terminal.rows(),
      now: this.#world.now(),
    });
    terminal
      .write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`)
      .catch(() => undefined);
  }
}
