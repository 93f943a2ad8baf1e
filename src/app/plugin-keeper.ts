import type { Status } from '../api/contract/documents.ts';
import type { Plugins, PluginWatch } from '../scheduling/plugin.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { LoadedPlugin } from './load-plugins.ts';

/** Of one pass, which the daemon's thread does without doing anything else. */
const SLOW_MS = 100;
/** A slow one is told about so often at most. */
const TOLD_EVERY_MS = 3_600_000;

type PluginStatus = Status['plugins'][number];

interface Kept {
  readonly loaded: LoadedPlugin;
  problem: string | undefined;
  /** Of the pass that goes on now. */
  passMs: number;
  slowestMs: number;
  toldAt: number;
}

/** What became of the site's plug-ins: tells the log once, and `berth status` whenever it is asked. */
export class PluginKeeper {
  readonly #kept: readonly Kept[];
  readonly #log: DaemonLog;
  #passEnds: NodeJS.Immediate | undefined;

  constructor(loaded: readonly LoadedPlugin[], log: DaemonLog) {
    this.#kept = loaded.map((one) => ({
      loaded: one,
      problem: undefined,
      passMs: 0,
      slowestMs: 0,
      toldAt: Number.NEGATIVE_INFINITY,
    }));
    this.#log = log;
  }

  plugins(): Plugins {
    const all = this.#kept.map(({ loaded }) => loaded);
    return {
      scorers: all.flatMap((one) => (one.kind === 'scorer' ? [one.plugin] : [])),
      filters: all.flatMap((one) => (one.kind === 'filter' ? [one.plugin] : [])),
      orders: all.flatMap((one) => (one.kind === 'order' ? [one.plugin] : [])),
      watch: this.#watch(),
    };
  }

  status(): PluginStatus[] {
    return this.#kept.map(({ loaded, problem, slowestMs }) => ({
      name: loaded.plugin.name,
      kind: loaded.kind,
      file: loaded.file,
      problem: problem ?? null,
      slowest_pass_ms: Math.round(slowestMs),
    }));
  }

  close(): void {
    clearImmediate(this.#passEnds);
  }

  #watch(): PluginWatch {
    return {
      now: () => performance.now(),
      spent: (name, ms) => {
        const kept = this.#named(name);
        if (kept === undefined) return;
        kept.passMs += ms;
        // A pass is done in one go: what comes next in the loop comes after it.
        this.#passEnds ??= setImmediate(() => this.#endPass());
      },
      setAside: (name, problem) => {
        const kept = this.#named(name);
        if (kept === undefined || kept.problem !== undefined) return;
        kept.problem = problem;
        const { kind, file } = kept.loaded;
        const effect = {
          scorer: 'all nodes score alike to it',
          filter: 'nothing is placed without it',
          order: 'its queues go by priority',
        }[kind];
        this.#log('plug-in', `${kind} ${name} (${file}) is set aside: ${problem}; ${effect}`);
      },
    };
  }

  #named(name: string): Kept | undefined {
    return this.#kept.find(({ loaded }) => loaded.plugin.name === name);
  }

  #endPass(): void {
    this.#passEnds = undefined;
    const now = performance.now();
    for (const kept of this.#kept) {
      const { passMs, loaded } = kept;
      kept.passMs = 0;
      kept.slowestMs = Math.max(kept.slowestMs, passMs);
      if (passMs < SLOW_MS || now - kept.toldAt < TOLD_EVERY_MS) continue;
      kept.toldAt = now;
      const { kind, plugin, file } = loaded;
      const took = `took ${Math.round(passMs)} ms of one pass, while the daemon did nothing else`;
      this.#log('plug-in', `${kind} ${plugin.name} (${file}) ${took}`);
    }
  }
}
