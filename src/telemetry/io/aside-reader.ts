import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Texts } from '../sampler.ts';

const PROGRAM = fileURLToPath(new URL('read-aside.pl', import.meta.url));
const ANSWER_CHARS_MAX = 16 * 1024 * 1024;
/** Told to end, and held by a driver in a sleep that no signal ends. More are not sent after them. */
const STUCK_MAX = 3;

/**
 * Reads files in a process of its own, one request after the other: a driver that hangs holds that process, and not
 * a thread of the daemon. At the time-out it is killed and left behind, and the next request has another one.
 */
export class AsideReader {
  readonly #root: string;
  readonly #timeoutMs: number;
  #child: Child | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #running = 0;
  #closed = false;

  /** @param root put before each path; empty for this host. */
  constructor(root: string, timeoutMs: number) {
    this.#root = root;
    this.#timeoutMs = timeoutMs;
  }

  /** Undefined where no answer came in time. Never rejects. */
  read(patterns: readonly string[]): Promise<Texts | undefined> {
    const answer = this.#turn.then(() => this.#ask(patterns));
    this.#turn = answer;
    return answer;
  }

  close(): void {
    this.#closed = true;
    this.#child?.perl.kill('SIGKILL');
  }

  #ask(patterns: readonly string[]): Promise<Texts | undefined> {
    if (this.#closed || (this.#child === undefined && this.#running >= STUCK_MAX)) {
      return Promise.resolve(undefined);
    }
    this.#child ??= this.#start();
    const child = this.#child;
    return new Promise((resolve) => {
      const settle = (texts: Texts | undefined): void => {
        clearTimeout(timer);
        child.settle = () => {};
        if (texts === undefined && this.#child === child) {
          this.#child = undefined;
          child.perl.kill('SIGKILL');
        }
        resolve(texts);
      };
      const timer = setTimeout(settle, this.#timeoutMs, undefined);
      child.settle = settle;
      child.perl.stdin.write(`${patterns.join('\t')}\n`);
    });
  }

  #start(): Child {
    const perl = spawn('perl', [PROGRAM, this.#root], { stdio: ['pipe', 'pipe', 'ignore'] });
    const child: Child = { perl, settle: () => {} };
    let runs = true;
    this.#running++;
    const gone = () => {
      if (runs) this.#running--;
      runs = false;
      if (this.#child === child) this.#child = undefined;
      child.settle(undefined);
    };
    perl.on('error', gone).on('exit', gone);
    perl.stdin.on('error', () => {});
    let answer = '';
    perl.stdout.setEncoding('utf8').on('data', (piece: string) => {
      answer += piece;
      if (answer.length > ANSWER_CHARS_MAX) child.settle(undefined);
      // Two at the end: after the last content, and for the end; alone where there was no file.
      else if (answer === '\0' || answer.endsWith('\0\0')) {
        const texts = textsOf(answer);
        if (texts === undefined) return;
        answer = '';
        child.settle(texts);
      }
    });
    return child;
  }
}

interface Child {
  readonly perl: ChildProcessByStdio<Writable, Readable, null>;
  settle: (texts: Texts | undefined) => void;
}

/** Undefined where the answer is not whole: an empty file in the midst looks like its end. */
function textsOf(answer: string): Texts | undefined {
  const parts = answer.split('\0');
  const texts = new Map<string, string>();
  for (let i = 0; ; i += 2) {
    const path = parts[i];
    if (path === '') return i === parts.length - 2 ? texts : undefined;
    const text = parts[i + 1];
    if (path === undefined || text === undefined) return undefined;
    texts.set(path, text);
  }
}
