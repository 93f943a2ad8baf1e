import { spawn } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AttemptId } from '../../../model/ids.ts';
import type { AttemptStart, Saving } from '../../../runtime/ports.ts';
import { catches, type LiveTasks, signal } from './live-tasks.ts';

/** A task that goes on working says that its work is saved by writing this file of its checkpoint folder. */
const SAVED = 'saved';
const POLL_MS = 50;

/** Asks tasks to save their work: before they are stopped, and from time to time. */
export class Checkpoints {
  readonly #tasks: LiveTasks;
  readonly #warn: (message: string) => void;
  readonly #timers = new Map<AttemptId, NodeJS.Timeout>();
  readonly #saving = new Map<AttemptId, Promise<void>>();

  constructor(tasks: LiveTasks, warn: (message: string) => void) {
    this.#tasks = tasks;
    this.#warn = warn;
  }

  /** Makes the folder, and asks as often as the terms say until `forget`. */
  watch(start: AttemptStart): void {
    const terms = start.execution?.checkpoint;
    if (terms === undefined) return;
    const folder = folderOf(start);
    try {
      if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      this.#warn(`${folder} cannot be made: ${error}`);
    }
    if (terms.everyMs === undefined || this.#timers.has(start.attempt)) return;
    const saving: Saving = { terms, withinMs: terms.timeoutMs, start };
    const timer = setInterval(() => void this.save(saving), terms.everyMs);
    this.#timers.set(start.attempt, timer.unref());
  }

  forget(attempt: AttemptId): void {
    clearInterval(this.#timers.get(attempt));
    this.#timers.delete(attempt);
  }

  close(): void {
    for (const timer of this.#timers.values()) clearInterval(timer);
    this.#timers.clear();
  }

  /** Resolves when the work is saved, the task has ended, or the time is over. Never rejects. */
  save(saving: Saving): Promise<void> {
    const { attempt } = saving.start;
    const former = this.#saving.get(attempt);
    if (former !== undefined) return former;
    const work = this.#ask(saving)
      .catch((error: unknown) => this.#warn(`${attempt} was not saved: ${error}`))
      .finally(() => this.#saving.delete(attempt));
    this.#saving.set(attempt, work);
    return work;
  }

  async #ask({ terms, withinMs, start }: Saving): Promise<void> {
    const tree = this.#tasks.tree(start.attempt);
    if (tree === undefined || withinMs === 0) return;
    const askedAt = Date.now();
    const until = askedAt + withinMs;
    const saved = savedAt(start);
    if (terms.signal !== undefined) {
      const name = terms.signal;
      // Who does not listen would be ended by it.
      const listening = this.#tasks.pidsOf(tree).filter((pid) => catches(pid, name));
      if (listening.length === 0 && terms.command === undefined) {
        this.#warn(`nobody in ${start.attempt} listens to ${name}: it is stopped as it is`);
        return;
      }
      for (const pid of listening) signal(pid, name);
    }
    if (terms.command !== undefined) {
      await this.#run(terms.command, start, until - Date.now());
      return;
    }
    while (Date.now() < until) {
      if (this.#tasks.tree(start.attempt) === undefined || savedAt(start) !== saved) return;
      await wait(POLL_MS);
    }
  }

  /** Beside the task, in its cgroups; killed when the time is over. */
  async #run(argv: readonly string[], start: AttemptStart, withinMs: number): Promise<void> {
    const child = spawn('/bin/sh', ['-c', 'kill -STOP $$; exec "$@"', 'sh', ...argv], {
      cwd: start.cwd,
      env: { ...start.env },
      stdio: 'ignore',
      detached: true,
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
      child.once('error', () => resolve(null));
    });
    const { pid } = child;
    if (pid === undefined) {
      this.#warn(`the checkpoint command of ${start.attempt} cannot be run`);
      return;
    }
    // It stands still until it is where the task is.
    for (const dir of this.#tasks.tree(start.attempt)?.dirs.values() ?? []) enter(dir, pid);
    const went = new AbortController();
    const goOn = setInterval(() => signal(pid, 'SIGCONT'), POLL_MS);
    const late = wait(Math.max(0, withinMs), undefined, { signal: went.signal }).catch(() => {});
    const code = await Promise.race([ended, late]);
    went.abort();
    clearInterval(goOn);
    if (code === 0) return;
    if (code === undefined) signal(-pid, 'SIGKILL');
    const how = code === undefined ? 'took too long' : `ended with ${code ?? 'a signal'}`;
    this.#warn(`the checkpoint command of ${start.attempt} ${how}`);
  }
}

const folderOf = ({ env }: AttemptStart): string | undefined => env['BERTH_CHECKPOINT_DIR'];

function savedAt(start: AttemptStart): number | undefined {
  const folder = folderOf(start);
  if (folder === undefined) return undefined;
  return statSync(join(folder, SAVED), { throwIfNoEntry: false })?.mtimeMs;
}

function enter(dir: string, pid: number): void {
  try {
    writeFileSync(join(dir, 'cgroup.procs'), `${pid}`);
  } catch {
    // It saves the work as well from outside.
  }
}
