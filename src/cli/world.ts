import type { ProfileDocument } from '../api/contract/doctor-documents.ts';
import type { DoctorReport } from '../api/contract/telemetry-documents.ts';
import type { Baseline } from '../inventory/baseline.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { InventoryDocument } from '../inventory/inventory-schema.ts';
import type { TierConfig, TierName } from '../model/tiers.ts';
import type { TierMove, TierPlan } from '../planning/tiers.ts';
import type { ComparisonDocument } from '../simulation/measures/compare-runs.ts';
import type { Gantt } from '../simulation/measures/gantt-recorder.ts';
import type { SweepAxes, SweepDocument } from '../simulation/sweep.ts';
import type { ChecklistPoint } from '../spec/checklist.ts';
import type { Client, SubmittedDocument } from './client.ts';
import type { Page } from './page.ts';
import type { Setting, Settings } from './settings.ts';

/** All that commands may touch. `app/` supplies the real one. */
export interface World {
  readonly version: string;
  /** Absolute. */
  readonly cwd: string;
  readonly settings: Settings;
  readonly terminal: Terminal;
  readonly documents: Documents;
  readonly daemons: Daemons;
  readonly inventories: Inventories;
  readonly secrets: Secrets;
  readonly daemonLog: DaemonLogs;
  readonly monitoring: MonitoringFiles;
  readonly tiering: Tiering;
  readonly profiles: Profiles;
  readonly simulations: Simulations;
  /** This machine, where no daemon watches it: looked at for so long. */
  readonly look: (forMs: number) => Promise<DoctorReport>;
  /** Writes a text that comes in pieces, whole or not at all. Rejects with FILE_UNWRITABLE. @returns its bytes. */
  saveFile(path: string, pieces: AsyncIterable<string> | Iterable<string>): Promise<number>;
  now(): number;
  /** A sentence on stderr, unless --quiet. */
  note(sentence: string): void;
  /** SIGINT and SIGTERM go to the newest listener until it is removed by the returned function. */
  onInterrupt(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
}

export interface Terminal {
  readonly stdin: { readonly isTerminal: boolean };
  readonly stdout: { readonly isTerminal: boolean };
  readonly stderr: { readonly isTerminal: boolean };
  /** False on a dumb terminal, where nothing can be redrawn. */
  readonly canRedraw: boolean;
  stdoutPage(): Page;
  stderrPage(): Page;
  rows(): number;
  /** Data, in order. Resolves when it is handed over; drops the text when the reader has gone. */
  write(text: string): Promise<void>;
  writeError(text: string): void;
  /** Aborts when whoever reads stdout has gone. */
  readonly readerGone: AbortSignal;
  /** Key presses in raw mode, until the signal aborts; the mode is restored whatever happens. */
  keys(signal: AbortSignal): AsyncIterable<string>;
  /** Takes the whole screen and hides the cursor until the returned function is called, or the process ends. */
  takeScreen(): () => void;
  onResize(listener: () => void): () => void;
}

/** Values for the variables of a document: `NAME=VALUE` each, and files of them. */
export interface GivenVars {
  readonly vars: readonly string[];
  readonly varsFiles: readonly string[];
}

export interface Documents {
  /** FILE, or `-` for stdin. Rejects with FILE_UNREADABLE or SPEC_INVALID when it cannot be a document. */
  read(file: string, vars?: GivenVars): Promise<SubmittedDocument>;
  check(document: SubmittedDocument): Promise<CheckedDocument>;
  /** JSON Schema of the document. */
  schema(): Promise<unknown>;
}

export interface Inventories {
  /** Of this machine, or of a recorded tree below `sysroot`. */
  take(sysroot: string | undefined): Promise<Inventory>;
  /** One that was saved. Rejects with FILE_UNREADABLE or SPEC_INVALID. */
  read(file: string): Promise<InventoryDocument>;
  /** Those kept in the state folder, oldest first. */
  baselines(): Promise<readonly Baseline[]>;
  /** Measures this machine, and keeps the baseline unless the signal aborts. */
  measure(options: {
    /** Which disk; that of the state folder when undefined. */
    readonly scratch: string | undefined;
    readonly signal: AbortSignal;
    readonly progress: (part: string) => void;
  }): Promise<Baseline>;
}

/** Of the state folder on this machine. */
export interface Secrets {
  /** The value comes from stdin. @returns its length in bytes. */
  set(name: string): Promise<number>;
  list(): Promise<
    readonly { readonly name: string; readonly bytes: number; readonly changedAt: number }[]
  >;
  /** False where there is none of this name. */
  remove(name: string): Promise<boolean>;
}

/** A line of the log of the daemon. */
export interface LogLine {
  /** ISO 8601, in UTC. */
  readonly at: string;
  readonly level: 'info' | 'error';
  /** The part of the daemon that wrote it. */
  readonly component: string;
  readonly message: string;
  /** What was thrown, with where. */
  readonly error?: string;
}

/** Of the state folder on this machine, whether a daemon runs there or not. */
export interface DaemonLogs {
  /** Rejects with NOT_FOUND or FILE_UNREADABLE. */
  open(): Promise<{
    /** Those that are there, oldest first. */
    readonly lines: readonly LogLine[];
    /** Those that come after them, until the signal aborts. */
    after(signal: AbortSignal): AsyncIterable<LogLine>;
  }>;
}

/** The dashboard and the rules that are part of Berth. */
export interface MonitoringFiles {
  /** Writes them into a folder, which is made; what has their names there is replaced. @returns their paths. */
  export(folder: string): Promise<readonly string[]>;
}

export interface TierReport {
  /** The folder, as a real path. */
  readonly root: string;
  readonly plan: TierPlan;
  /** Files that are left alone, and why. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  /** Files of moves that were cut off; `settle` deals with them. */
  readonly leftovers: number;
}

export interface Relocation {
  readonly path: string;
  readonly to: TierName | 'its own place';
  /** Why it was not moved; undefined: it was. */
  readonly why?: string;
}

/** What simulations are of. */
export interface Experiment {
  /** Of one trace. */
  readonly files: readonly string[];
  /** Absent: as the files look. */
  readonly format?: string;
  /** A file that says what it runs on. */
  readonly nodes?: string;
  /** It runs on one machine of so many processors. */
  readonly procs?: number;
  /** Only so many of its first jobs. */
  readonly limit?: number;
  /** How far a seed moves each submission at most, in milliseconds. */
  readonly shakeMs?: number;
  readonly policies: readonly string[];
  /** A file that says what happens there, beside the trace. */
  readonly world?: string;
  /** What the engine is told of run times: a name of `estimatesNamed`. Absent: what the users said. */
  readonly estimates?: string;
}

/** Hears how far they are, and may end them. */
export interface SimulationHearer {
  readonly signal: AbortSignal;
  done(ended: number, of: number): void;
}

/** In threads of their own; the answer is the same on one as on many. */
export interface Simulations {
  /** Policies beside each other. Rejects with FILE_UNREADABLE, SPEC_INVALID and USAGE. */
  compare(
    asked: {
      readonly experiment: Experiment;
      readonly seeds: readonly number[];
      /** Whether it is recorded who ran where; of the first seed. */
      readonly isDrawn: boolean;
      /** As many as there are cores when undefined. */
      readonly threads: number | undefined;
    },
    hearer: SimulationHearer,
  ): Promise<{ readonly document: ComparisonDocument; readonly gantts: readonly Gantt[] }>;
  /** Policies, loads and sizes in all combinations; what a folder has already is not simulated again. */
  sweep(
    asked: {
      readonly experiment: Experiment;
      readonly axes: SweepAxes;
      readonly folder: string | undefined;
      readonly threads: number | undefined;
    },
    hearer: SimulationHearer,
  ): Promise<SweepDocument>;
}

/** Processes of this machine, watched for so long. */
export interface Profiles {
  /** With all that descends from it; rejects with NOT_FOUND. */
  ofProcess(pid: number, forMs: number): Promise<ProfileDocument>;
  /** By the beginning of its id; rejects with NOT_FOUND, and USAGE where there are several. */
  ofContainer(id: string, forMs: number): Promise<ProfileDocument>;
}

/** Files of one folder of this machine, between it and the folders of tiers. */
export interface Tiering {
  plan(options: {
    readonly folder: string;
    readonly config: TierConfig;
    /** Where reads are not noted, the time of the last write counts as that of the last use. */
    readonly byMtime: boolean;
    /** Uses a day that somebody counted, by absolute path. */
    readonly perDay: ReadonlyMap<string, number>;
    readonly now: number;
  }): Promise<TierReport>;
  /** Ends what moves that were cut off began; sentences for people. */
  settle(folder: string, config: TierConfig): Promise<readonly string[]>;
  move(
    folder: string,
    config: TierConfig,
    moves: readonly Pick<TierMove, 'path' | 'to'>[],
  ): Promise<readonly Relocation[]>;
  /** Files, and all of folders, get their bytes back where they were. */
  restore(paths: readonly string[], config: TierConfig): Promise<readonly Relocation[]>;
}

interface CheckedDocument {
  readonly valid: boolean;
  readonly issues: readonly unknown[];
  readonly warnings: readonly unknown[];
  /** Issues, or else warnings, for people, with the lines that they are about; may be empty. */
  readonly report: string;
  /** Of a job or pipeline that is valid; empty for anything else. */
  readonly checklist: readonly ChecklistPoint[];
}

/** What a daemon goes by beside its state folder, and who said so. */
export interface DaemonTerms {
  /** Undefined: no TCP. */
  readonly port: Setting<number | undefined>;
  /** Absolute; undefined: nothing said of the site. */
  readonly site: Setting<string | undefined>;
  /** Absolute; undefined: nothing has a price. */
  readonly prices: Setting<string | undefined>;
}

export interface Daemons {
  /** Whoever answers for the state folder; undefined when nobody does. With --url, that daemon or DAEMON_DOWN. */
  find(): Promise<Client | undefined>;
  /** As `find`, but rejects with DAEMON_DOWN. Nothing is sent yet. */
  connect(): Promise<Client>;
  /** A daemon in this process, on the state folder. */
  open(options: DaemonTerms & { readonly foreground: boolean }): Promise<OpenedDaemon>;
  /** A daemon in a process of its own, once it answers. */
  spawn(options: DaemonTerms): Promise<Client>;
  /** Opens the web page with the token in it; undefined when the token cannot be read. */
  loginLink(url: string): Promise<string | undefined>;
  isAlive(pid: number): boolean;
}

export interface OpenedDaemon {
  readonly client: Client;
  readonly closed: Promise<void>;
  close(): Promise<void>;
}
