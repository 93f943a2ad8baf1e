import { join } from 'node:path';
import type { ReadOutcome } from '../../inventory/host-reader.ts';
import type { LatestReadings, Moment } from '../latest.ts';
import type { Reading } from '../metric.ts';
import type { FileSampler, ProgramSampler, Sampler, StreamSampler } from '../sampler.ts';
import { ABSENT_PAUSE_MS, pauseMs, SamplerHealth } from '../sampler-health.ts';
import { AsideReader } from './aside-reader.ts';
import { KeptFile } from './kept-file.ts';
import { openLineStream } from './line-stream.ts';

/** Between two ticks; what samplers say of their cadence is in multiples of it. */
const TICK_MS = 1_000;
const ASIDE_ANSWER_MS = 2_000;
const PROGRAM_ANSWER_MS = 5_000;
/** So many intervals a stream may be silent. */
const SILENT_INTERVALS = 2.5;
/** Ticks between two looks for series that fell silent. */
const SWEEP_TICKS = 10;
const OWN = { name: 'sampling', everyMs: TICK_MS };

/** What the daemon itself counts, in the tick: of tasks, of the engine, of itself. */
export interface TickSource {
  readonly name: string;
  readonly everyMs: number;
  /** Undefined: it is not its turn. */
  readonly read: (tick: number) => readonly Reading[] | undefined;
}

export interface SamplingOptions {
  readonly samplers: readonly Sampler[];
  readonly sources: readonly TickSource[];
  readonly live: LatestReadings;
  /** `/`, or a recorded tree. */
  readonly sysroot: string;
  readonly now: () => Moment['at'];
  readonly run: (
    program: string,
    args: readonly string[],
    timeoutMs: number,
  ) => Promise<ReadOutcome<string>>;
  /** After each tick: gauges and rates that came since the one before. A name may come more than once of a series. */
  readonly onTick: (at: Moment['at'], readings: readonly Reading[]) => void;
  readonly signal: AbortSignal;
  /** How much faster than real time the cadence is, for tests. */
  readonly speed?: number;
  /** How long a file that is read aside may take. */
  readonly answerMs?: number;
}

/**
 * Samples on a grid that does not drift; a tick that was missed because the process was held up is left out. What
 * answers at once is read in the tick, all else on timers of its own: a sensor that hangs holds up nobody. Nothing
 * throws: what cannot be read is unknown.
 */
export function openSampling(options: SamplingOptions): void {
  if (!options.signal.aborted) new Sampling(options).start();
}

class Sampling {
  readonly #options: SamplingOptions;
  readonly #speed: number;
  readonly #health = new SamplerHealth();
  readonly #aside: AsideReader;
  readonly #kept: readonly KeptSampler[];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #streams = new Set<{ stop(): void }>();
  #gathered: Reading[] = [];
  /** Milliseconds in which sampling held this thread. */
  #heldMs = 0;

  constructor(options: SamplingOptions) {
    this.#options = options;
    this.#speed = options.speed ?? 1;
    const root = options.sysroot === '/' ? '' : options.sysroot;
    this.#aside = new AsideReader(root, options.answerMs ?? ASIDE_ANSWER_MS);
    this.#kept = options.samplers
      .filter((sampler): sampler is FileSampler => sampler.kind === 'kept')
      .map((sampler) => new KeptSampler(sampler, root));
  }

  start(): void {
    const { samplers, signal } = this.#options;
    const startedMs = performance.now();
    const everyMs = TICK_MS / this.#speed;
    // The first readings of counters: rates are known after the next.
    this.#tick(0);
    const tick = (): void => {
      // Rounded, because a timer may fire a little before its time.
      this.#tick(Math.round((performance.now() - startedMs) / everyMs));
      const nowMs = performance.now();
      const next = Math.floor((nowMs - startedMs) / everyMs + 0.5) + 1;
      timer = setTimeout(tick, startedMs + next * everyMs - nowMs);
    };
    let timer = setTimeout(tick, everyMs);
    for (const sampler of samplers) {
      if (sampler.kind === 'aside') this.#follow(sampler, this.#readAside(sampler));
      else if (sampler.kind === 'program') this.#follow(sampler, this.#readProgram(sampler));
      else if (sampler.kind === 'stream') this.#openStream(sampler, 0);
    }
    const end = (): void => {
      clearTimeout(timer);
      for (const one of this.#timers) clearTimeout(one);
      for (const stream of this.#streams) stream.stop();
      for (const sampler of this.#kept) sampler.close();
      this.#aside.close();
    };
    signal.addEventListener('abort', end, { once: true });
  }

  #tick(tick: number): void {
    const { live, sources, onTick } = this.#options;
    const startedMs = performance.now();
    const moment = this.#moment();
    for (const one of this.#kept) {
      if (tick % Math.round(one.sampler.everyMs / TICK_MS) !== 0) continue;
      const beganMs = performance.now();
      const readings = one.read();
      this.#note(one.sampler, readings, performance.now() - beganMs, moment);
    }
    for (const source of sources) {
      const readings = source.read(tick);
      if (readings) this.#gather(live.record(this.#paced(source), moment, readings));
    }
    if (tick % SWEEP_TICKS === 0) live.sweep();
    this.#gather(live.record(this.#paced(OWN), moment, this.#own()));
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#heldMs += performance.now() - startedMs;
    onTick(moment.at, gathered);
  }

  #own(): readonly Reading[] {
    const { live } = this.#options;
    const quality = live.quality();
    return [
      ...this.#health.readings(),
      ...live.refused(),
      { name: 'berth_series', labels: {}, value: live.size },
      { name: 'berth_sampling_cpu_seconds_total', labels: {}, value: this.#heldMs / 1_000 },
      ...(quality === undefined
        ? []
        : [{ name: 'berth_data_quality_ratio', labels: {}, value: quality }]),
    ];
  }

  /** Undefined readings: it did not answer. None, and none before: what it reads is not there. */
  #note(
    sampler: Sampler,
    readings: readonly Reading[] | undefined,
    tookMs: number,
    moment = this.#moment(),
  ): 'up' | 'failed' | 'absent' {
    const { live } = this.#options;
    const source = this.#paced(sampler);
    if (readings === undefined) {
      this.#health.note(sampler.name, false, tookMs / 1_000);
      live.miss(source);
      return 'failed';
    }
    if (readings.length === 0) {
      this.#health.forget(sampler.name);
      live.dismiss(sampler.name);
      return 'absent';
    }
    this.#health.note(sampler.name, true, tookMs / 1_000);
    this.#gather(live.record(source, moment, readings));
    return 'up';
  }

  /** One reading after the other, less often while it fails. */
  #follow(sampler: Sampler, read: () => Promise<readonly Reading[] | undefined>): void {
    let failures = 0;
    const look = async (): Promise<void> => {
      const beganMs = performance.now();
      const readings = await read();
      if (this.#options.signal.aborted) return;
      const heldMs = performance.now();
      const outcome = this.#note(sampler, readings, heldMs - beganMs);
      this.#heldMs += performance.now() - heldMs;
      failures = outcome === 'failed' ? failures + 1 : 0;
      const pause =
        outcome === 'absent'
          ? Math.max(ABSENT_PAUSE_MS, sampler.everyMs)
          : pauseMs(sampler.everyMs, failures);
      // From when it began, so that how long it takes does not slow it down.
      const tookMs = (performance.now() - beganMs) * this.#speed;
      this.#later(Math.max(pause - tookMs, pause / 2), () => void look());
    };
    void look();
  }

  #readAside(sampler: FileSampler): () => Promise<readonly Reading[] | undefined> {
    const read = sampler.open();
    return async () => {
      const texts = await this.#aside.read(sampler.files);
      return texts && read(texts);
    };
  }

  #readProgram(sampler: ProgramSampler): () => Promise<readonly Reading[] | undefined> {
    return async () => {
      const texts = await this.#aside.read(sampler.files);
      const command = texts && sampler.command(texts);
      if (command === undefined) return texts && [];
      const { ok, problem, output } = await this.#answer(command);
      // Some tell all they can and still end with a failure.
      if (ok || output !== undefined) return sampler.read(output ?? '');
      return problem === 'absent' ? [] : undefined;
    };
  }

  #readOnce(sampler: StreamSampler): () => Promise<readonly Reading[] | undefined> {
    return async () => {
      const { ok, problem, output = '' } = await this.#answer(sampler.once);
      const readings = ok ? sampler.read(output) : [];
      return readings.length > 0 || problem === 'absent' ? readings : undefined;
    };
  }

  async #answer([program, ...args]: readonly [string, ...string[]]) {
    const answer = await this.#options.run(program, args, PROGRAM_ANSWER_MS);
    if (answer.ok) return { ok: true, problem: undefined, output: answer.value };
    const { kind, output } = answer.problem;
    return { ok: false, problem: kind, output: kind === 'failed' ? output : undefined };
  }

  /** A program may be there without its hardware: it has never told a thing, says so in words, and ends. */
  #openStream(sampler: StreamSampler, failures: number, toldBefore = false): void {
    const { signal } = this.#options;
    let failed = failures;
    let told = toldBefore;
    let heard = false;
    let heardMs = performance.now();
    const stream = openLineStream(
      sampler.command,
      (sampler.everyMs * SILENT_INTERVALS) / this.#speed,
      {
        lines: (lines) => {
          heardMs = performance.now();
          const readings = sampler.read(lines);
          const up = readings.length > 0 ? readings : undefined;
          told ||= up !== undefined;
          if (told) this.#note(sampler, up, performance.now() - heardMs);
          if (up !== undefined) failed = 0;
          heard = true;
          this.#heldMs += performance.now() - heardMs;
        },
        end: (why) => {
          this.#streams.delete(stream);
          if (signal.aborted) return;
          const isAbsent = why === 'absent' || (why === 'failed' && !told);
          this.#note(sampler, isAbsent ? [] : undefined, performance.now() - heardMs);
          if (why === 'silent' && !heard) {
            this.#follow(sampler, this.#readOnce(sampler));
            return;
          }
          const pause = isAbsent ? ABSENT_PAUSE_MS : pauseMs(sampler.everyMs, failed + 1);
          this.#later(pause, () => this.#openStream(sampler, failed + 1, told));
        },
      },
    );
    this.#streams.add(stream);
  }

  #later(waitMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, waitMs / this.#speed);
    this.#timers.add(timer);
  }

  #gather(readings: readonly Reading[]): void {
    for (const reading of readings) this.#gathered.push(reading);
  }

  /** With the cadence that it has in truth, so that what is late is seen to be. */
  #paced({ name, everyMs }: { readonly name: string; readonly everyMs: number }) {
    return { name, everyMs: everyMs / this.#speed };
  }

  #moment(): Moment {
    return { at: this.#options.now(), monotonicMs: performance.now() };
  }
}

/** A sampler with the files that it keeps open. */
class KeptSampler {
  readonly sampler: FileSampler;
  readonly #files: readonly (readonly [string, KeptFile])[];
  readonly #read: ReturnType<FileSampler['open']>;
  #wasThere = false;

  constructor(sampler: FileSampler, root: string) {
    this.sampler = sampler;
    this.#files = sampler.files.map((path) => [path, new KeptFile(join(root, path))]);
    this.#read = sampler.open();
  }

  /** Undefined where none of its files can be read any more. */
  read(): readonly Reading[] | undefined {
    const texts = new Map<string, string>();
    for (const [path, file] of this.#files) {
      const text = file.read();
      if (text !== undefined) texts.set(path, text);
    }
    this.#wasThere ||= texts.size > 0;
    return texts.size === 0 && this.#wasThere ? undefined : this.#read(texts);
  }

  close(): void {
    for (const [, file] of this.#files) file.close();
  }
}
