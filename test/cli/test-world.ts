import { connectDaemon, findDaemon } from '../../src/cli/io/find-daemon.ts';
import { type GlobalFlags, resolveSettings } from '../../src/cli/settings.ts';
import type { Terminal, World } from '../../src/cli/world.ts';
import { T0 } from './documents.ts';

/** A world whose terminal is a pair of strings; client and settings are the real ones. */
export interface TestWorld extends World {
  readonly out: { text: string };
  readonly err: { text: string };
  /** Files that were written, by path. */
  readonly saved: ReadonlyMap<string, string>;
  interrupt(signal?: 'SIGINT' | 'SIGTERM'): void;
  press(key: string): void;
}

export function testWorld(
  flags: GlobalFlags,
  options: { readonly isTerminal?: boolean; readonly width?: number } = {},
): TestWorld {
  const { isTerminal = false, width = 80 } = options;
  const settings = resolveSettings(flags, {
    env: { LANG: 'C.UTF-8' },
    home: '/nobody',
    platform: 'linux',
    resolve: (path) => path,
    exists: () => false,
  });
  const saved = new Map<string, string>();
  const out = { text: '' };
  const err = { text: '' };
  const page = { width, colour: 'none', unicode: true } as const;
  const keys = new Keys();
  const listeners: ((signal: 'SIGINT' | 'SIGTERM') => void)[] = [];
  const terminal: Terminal = {
    stdin: { isTerminal },
    stdout: { isTerminal },
    stderr: { isTerminal },
    canRedraw: true,
    stdoutPage: () => page,
    stderrPage: () => page,
    rows: () => 24,
    async write(text) {
      out.text += text;
    },
    writeError(text) {
      err.text += text;
    },
    readerGone: new AbortController().signal,
    keys: (signal) => keys.until(signal),
    takeScreen: () => () => undefined,
    onResize: () => () => undefined,
  };
  return {
    version: '0.1.0',
    cwd: '/work',
    settings,
    terminal,
    out,
    err,
    secrets: {
      set: () => Promise.reject(new Error('no state folder here')),
      list: () => Promise.resolve([]),
      remove: () => Promise.resolve(false),
    },
    daemonLog: { open: () => Promise.reject(new Error('no state folder here')) },
    monitoring: { export: () => Promise.reject(new Error('no files here')) },
    simulations: {
      compare: () => Promise.reject(new Error('nothing is simulated here')),
      sweep: () => Promise.reject(new Error('nothing is simulated here')),
    },
    tiering: {
      plan: () => Promise.reject(new Error('no files here')),
      settle: () => Promise.resolve([]),
      move: () => Promise.resolve([]),
      restore: () => Promise.resolve([]),
    },
    profiles: {
      ofProcess: () => Promise.reject(new Error('no processes here')),
      ofContainer: () => Promise.reject(new Error('no containers here')),
    },
    look: () => Promise.reject(new Error('no machine here')),
    inventories: {
      take: () => Promise.reject(new Error('no machine here')),
      read: () => Promise.reject(new Error('no inventory here')),
      baselines: () => Promise.resolve([]),
      measure: () => Promise.reject(new Error('no machine here')),
    },
    documents: {
      read: async (file) => ({ text: `# ${file}`, fileName: file, cwd: '/work' }),
      check: async ({ text }) => {
        const valid = !text.includes('bad');
        return {
          valid,
          issues: valid ? [] : [{ line: 1 }],
          warnings: [],
          report: valid ? '' : 'f:1:1 error',
          checklist: [],
        };
      },
      schema: async () => ({ $schema: 'x' }),
    },
    daemons: {
      find: () => findDaemon(settings),
      connect: async () => connectDaemon(settings),
      open: () => Promise.reject(new Error('no daemon is opened here')),
      spawn: () => Promise.reject(new Error('no daemon is spawned here')),
      loginLink: async (url) => `${url}/login`,
      isAlive: () => false,
    },
    saveFile: async (path, pieces) => {
      let text = '';
      for await (const piece of pieces) text += piece;
      saved.set(path, text);
      return Buffer.byteLength(text);
    },
    saved,
    now: () => T0 + 120_000,
    note(sentence) {
      if (!settings.quiet.value) err.text += `berth: ${sentence}\n`;
    },
    onInterrupt(listener) {
      listeners.push(listener);
      return () => void listeners.splice(listeners.indexOf(listener), 1);
    },
    interrupt: (signal = 'SIGINT') => listeners.at(-1)?.(signal),
    press: (key) => keys.press(key),
  };
}

class Keys {
  readonly #pressed: string[] = [];
  #wake: () => void = () => undefined;

  press(key: string): void {
    this.#pressed.push(key);
    this.#wake();
  }

  async *until(signal: AbortSignal): AsyncGenerator<string> {
    signal.addEventListener('abort', () => this.#wake());
    while (!signal.aborted) {
      if (this.#pressed.length > 0) yield this.#pressed.shift()!;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
