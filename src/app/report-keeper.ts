import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type KeptReport,
  type ReportDocument,
  type ReportList,
  reportSchema,
} from '../api/contract/report-documents.ts';
import { reportHtml } from '../api/views/report-html.ts';
import type { TimeMs } from '../base/units.ts';
import { runProgram } from '../inventory/io/run-program.ts';
import type { ReportSchedule } from '../model/objective.ts';
import type { Zone } from '../model/reservation.ts';
import { lastDue, nextDue, REPORT_ID, reportId } from './report-schedule.ts';
import { zoneOffsets } from './zone-offsets.ts';

/** Each has some tens of KB, and half as much again as HTML. */
const KEPT_MAX = 100;
const PROGRAM_MS_MAX = 60_000;
const DAY_MS = 86_400_000;
/** Of the clock on the wall a year back and two ahead is enough. */
const BACK_MS = 400 * DAY_MS;
const AHEAD_MS = 800 * DAY_MS;

export interface ReportKeeperDeps {
  /** Made where it is missing. */
  readonly folder: string;
  readonly schedules: readonly ReportSchedule[];
  readonly timeZone: string;
  readonly now: () => TimeMs;
  readonly make: (
    window: { readonly from: TimeMs; readonly to: TimeMs },
    id: string,
  ) => Promise<ReportDocument>;
  readonly log: (sentence: string, error?: unknown) => void;
}

interface Kept {
  readonly schedule: ReportSchedule;
  /** What the file of schedules calls it. */
  readonly key: string;
  next: TimeMs;
  problem: string | undefined;
}

/**
 * Makes reports when they are due and keeps the newest hundred. When each is due next is on disk: of those that
 * were missed the last one is made once, when somebody looks again. One that cannot be kept is tried at each look.
 */
export class ReportKeeper {
  readonly #deps: ReportKeeperDeps;
  readonly #file: string;
  #kept: readonly Kept[] | undefined;
  #zone: { readonly day: number; readonly zone: Zone } | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(deps: ReportKeeperDeps) {
    this.#deps = deps;
    this.#file = join(deps.folder, 'schedule.json');
  }

  /** What is being made is finished; nothing more is begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#looking;
  }

  /** Makes what is due. Whoever looks while another one does waits for that. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async list(): Promise<ReportList> {
    const reports: KeptReport[] = [];
    for (const id of (await this.#ids()).toReversed()) {
      const report = await this.read(id);
      if (report === undefined) continue;
      const { from, to, summary, metadata } = report;
      reports.push({
        id,
        every: id.split('-')[0]!,
        from,
        to,
        generated_at: metadata.generated_at,
        state: summary.state,
      });
    }
    const kept = await this.#schedules();
    return {
      now: this.#deps.now(),
      reports,
      schedules: kept.map(({ schedule, next, problem }) => ({
        every: schedule.every,
        next_at: next,
        problem: problem ?? null,
      })),
    };
  }

  /** Undefined where there is none, or what there is cannot be read. */
  async read(id: string): Promise<ReportDocument | undefined> {
    if (!REPORT_ID.test(id)) return undefined;
    try {
      const text = await readFile(join(this.#deps.folder, `${id}.json`), 'utf8');
      return reportSchema.safeParse(JSON.parse(text)).data;
    } catch {
      return undefined;
    }
  }

  async #look(): Promise<void> {
    const { now, log } = this.#deps;
    for (const one of await this.#schedules()) {
      if (this.#isClosed) return;
      const at = now();
      const zone = this.#zoneAt(at);
      // A clock that was set back does not put it off.
      const next = nextDue(one.schedule, zone, at);
      if (one.next > at && one.next <= next) continue;
      try {
        if (one.next <= at) await this.#make(one, lastDue(one.schedule, zone, at));
        one.next = next;
        one.problem = undefined;
        await this.#save();
      } catch (error) {
        const sentence = error instanceof Error ? error.message : String(error);
        if (one.problem === undefined) log(`a report of the ${one.schedule.every}`, error);
        one.problem = sentence;
      }
    }
  }

  async #make({ schedule }: Kept, due: TimeMs): Promise<void> {
    const { folder, make, log } = this.#deps;
    const zone = this.#zoneAt(this.#deps.now());
    const id = reportId(schedule, zone, due);
    const [json, html] = [join(folder, `${id}.json`), join(folder, `${id}.html`)];
    if ((await this.read(id)) === undefined) {
      const report = await make({ from: lastDue(schedule, zone, due - 1), to: due }, id);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeWhole(html, reportHtml(report));
      await writeWhole(json, `${JSON.stringify(report)}\n`);
      log(`${id} is made`);
      await this.#prune();
    }
    await this.#deliver(schedule, html, json);
  }

  /** It is kept already: what fails here is told and not tried again. */
  async #deliver({ to }: ReportSchedule, html: string, json: string): Promise<void> {
    const { log } = this.#deps;
    if (to === undefined) return;
    if ('folder' in to) {
      try {
        await mkdir(to.folder, { recursive: true });
        for (const file of [html, json]) {
          await copyFile(file, join(to.folder, file.slice(file.lastIndexOf('/') + 1)));
        }
      } catch (error) {
        log(`a report could not be copied to ${to.folder}`, error);
      }
      return;
    }
    const [program = '', ...args] = to.command;
    const outcome = await runProgram(program, [...args, html, json], PROGRAM_MS_MAX);
    if (!outcome.ok) log(`a report was not taken: ${outcome.problem.detail}`);
  }

  async #prune(): Promise<void> {
    const ids = await this.#ids();
    for (const id of ids.slice(0, Math.max(0, ids.length - KEPT_MAX))) {
      for (const kind of ['json', 'html']) {
        await rm(join(this.#deps.folder, `${id}.${kind}`), { force: true });
      }
    }
  }

  /** The oldest first, by the day in their names. */
  async #ids(): Promise<string[]> {
    const files = await readdir(this.#deps.folder).catch(() => []);
    const dayOf = (id: string): string => id.slice(id.indexOf('-'));
    return files
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
      .filter((id) => REPORT_ID.test(id))
      .sort((a, b) => (`${dayOf(a)} ${a}` < `${dayOf(b)} ${b}` ? -1 : 1));
  }

  async #schedules(): Promise<readonly Kept[]> {
    this.#kept ??= await this.#open();
    return this.#kept;
  }

  async #open(): Promise<readonly Kept[]> {
    const known = await this.#readSchedule();
    const at = this.#deps.now();
    const kept = this.#deps.schedules.map((schedule) => {
      const key = keyOf(schedule);
      const next = known[key] ?? nextDue(schedule, this.#zoneAt(at), at);
      return { schedule, key, next: next as TimeMs, problem: undefined };
    });
    this.#kept = kept;
    if (kept.length > 0) {
      // It would be made anew after the next start, and what is missed until then is lost.
      await this.#save().catch((error) => this.#deps.log('the schedule of reports', error));
    }
    return kept;
  }

  async #readSchedule(): Promise<Readonly<Record<string, number>>> {
    try {
      const read: unknown = JSON.parse(await readFile(this.#file, 'utf8'));
      if (typeof read !== 'object' || read === null) return {};
      return Object.fromEntries(
        Object.entries(read).filter(([, at]) => Number.isSafeInteger(at)),
      ) as Record<string, number>;
    } catch {
      return {};
    }
  }

  async #save(): Promise<void> {
    await mkdir(this.#deps.folder, { recursive: true, mode: 0o700 });
    const saved = Object.fromEntries((this.#kept ?? []).map(({ key, next }) => [key, next]));
    await writeWhole(this.#file, `${JSON.stringify(saved)}\n`);
  }

  #zoneAt(at: TimeMs): Zone {
    const day = Math.floor(at / DAY_MS);
    if (this.#zone?.day !== day) {
      const from = Math.max(0, at - BACK_MS) as TimeMs;
      const zone = zoneOffsets(this.#deps.timeZone, from, (at + AHEAD_MS) as TimeMs);
      this.#zone = { day, zone };
    }
    return this.#zone!.zone;
  }
}

const keyOf = ({ every, atMinutes, weekday, to }: ReportSchedule): string =>
  JSON.stringify([every, atMinutes, weekday, to ?? null]);

/** All of it or what was there before. */
async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o640 });
  await rename(`${file}.new`, file);
}
