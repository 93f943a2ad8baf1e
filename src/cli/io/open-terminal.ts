import { writeSync } from 'node:fs';
import { type Page, UNBOUNDED_WIDTH } from '../page.ts';
import type { Settings } from '../settings.ts';
import type { Terminal } from '../world.ts';
import { restoreAtExit } from './restore-at-exit.ts';

const ALTERNATE_ON = '\u001b[?1049h\u001b[?25l\u001b[2J';
const ALTERNATE_OFF = '\u001b[?25h\u001b[?1049l';

/** The terminal of this process. What it changes is restored at every end of the process but SIGKILL. */
export function openTerminal(settings: Settings): Terminal {
  const { stdin, stdout, stderr } = process;
  const gone = new AbortController();
  const canRedraw = process.env['TERM'] !== 'dumb' && process.env['TERM'] !== undefined;
  // The reader of a pipe may leave at any time: `berth ps | head`.
  stdout.on('error', () => gone.abort());
  stderr.on('error', () => undefined);

  function page(stream: NodeJS.WriteStream): Page {
    const told = Number(process.env['COLUMNS']);
    const columns = told > 0 ? told : stream.isTTY ? stream.columns : undefined;
    return {
      width: Math.max(20, columns ?? (stream.isTTY ? 80 : UNBOUNDED_WIDTH)),
      colour: stream.isTTY ? settings.colour.value : 'none',
      unicode: settings.unicode.value,
    };
  }

  return {
    stdin: { isTerminal: stdin.isTTY === true },
    stdout: { isTerminal: stdout.isTTY === true },
    stderr: { isTerminal: stderr.isTTY === true },
    canRedraw,
    stdoutPage: () => page(stdout),
    stderrPage: () => page(stderr),
    rows: () => stderr.rows ?? stdout.rows ?? 24,
    readerGone: gone.signal,
    write(text) {
      if (gone.signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        stdout.write(text, () => resolve());
      });
    },
    writeError: (text) => void stderr.write(text),
    keys,
    takeScreen,
    onResize(listener) {
      process.on('SIGWINCH', listener);
      return () => void process.off('SIGWINCH', listener);
    },
  };
}

async function* keys(signal: AbortSignal): AsyncGenerator<string> {
  const { stdin } = process;
  if (stdin.isTTY !== true || signal.aborted) return;
  const pressed: string[] = [];
  let wake = (): void => undefined;
  const onData = (data: Buffer): void => {
    pressed.push(...splitKeys(data.toString('utf8')));
    wake();
  };
  const restore = restoreAtExit(() => stdin.setRawMode(false));
  const onAbort = (): void => wake();
  stdin.setRawMode(true);
  stdin.on('data', onData);
  stdin.resume();
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      while (pressed.length > 0 && !signal.aborted) yield pressed.shift()!;
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stdin.off('data', onData);
    stdin.pause();
    signal.removeEventListener('abort', onAbort);
    restore();
  }
}

/** Keys of one read: an escape sequence is one key, everything else is a character. */
function splitKeys(data: string): readonly string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters
  return data.match(/\u001b\[[0-9;]*[A-Za-z~]|\u001bO[A-Z]|[\s\S]/gu) ?? [];
}

function takeScreen(): () => void {
  writeSync(1, ALTERNATE_ON);
  return restoreAtExit(() => writeSync(1, ALTERNATE_OFF));
}
