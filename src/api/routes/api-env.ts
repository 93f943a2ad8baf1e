import type { WorkloadSpec } from '../../model/workload.ts';
import type { AlertSite } from '../contract/alert-documents.ts';
import type { DoctorSite } from '../contract/doctor-documents.ts';
import type { ExpositionSite } from '../contract/exposition.ts';
import type { IncidentSite } from '../contract/incident-documents.ts';
import type { LeaseSite } from '../contract/lease-documents.ts';
import type { MetricSite } from '../contract/metric-site.ts';
import type { MoneySite } from '../contract/money-documents.ts';
import type { ReportSite } from '../contract/report-documents.ts';
import type { SettingsSite } from '../contract/settings-documents.ts';
import type { Role, Sight, TokenSite } from '../contract/token-documents.ts';
import type { TransferSite } from '../contract/transfer-documents.ts';
import type { Asker, LogRequest, Site } from '../contract/views.ts';
import type { WhatIfSite } from '../contract/what-if-documents.ts';

/** Of those that tokens are handed out for; and `task`, of tasks that may call the daemon. */
export type CallerRole = Role | 'task';

/** Who asks, as the token or the socket proved it. */
export interface Identity extends Asker {
  readonly role: CallerRole;
  /** Whether it may look at what belongs to others, too. */
  readonly sees: Sight;
}

/** What the listener knows of the connection that a request came over. */
export interface Connection {
  /** The file permissions of the socket stand for a token. */
  readonly via: 'unix' | 'tcp';
  /** Ends it at once, with whatever was not yet sent. */
  drop(): void;
}

export interface ApiEnv {
  Bindings: Connection;
  /** The site and its leases as whoever asks may see and change them. */
  Variables: { identity: Identity; asked: Asked; site: Site; leases: LeaseSite };
}

/** The document of a submission as `spec/` reads it; `text` shows all issues to a person. */
export type Parse = (text: string, origin: Origin) => ParseOutcome;

/** Where a document is from, and what was sent along with it. */
export interface Origin {
  readonly fileName: string;
  readonly cwd: string;
  /** Texts of what it includes, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Values for its variables, as text. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Those of `files` that are such values. */
  readonly varsFiles?: readonly string[];
}

type ParseOutcome =
  | { readonly ok: true; readonly spec: WorkloadSpec; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly issues: readonly unknown[]; readonly text: string };

/** Who asked for an answer that stays open: what he may see, and how to end it. */
export interface Asked {
  readonly site: Site;
  readonly connection: Connection;
  /** False once his token is worth nothing any more. */
  isKnown(): boolean;
}

/** Answers that stay open. They keep time and drop slow readers, so `io/` writes them. */
export interface Streams {
  changes(asked: Asked): Response;
  follow(asked: Asked, request: LogRequest): Response;
}

/** What a listener on TCP is called, and by whom. */
export interface Address {
  /** Values of the Host header that mean us. */
  readonly names: readonly string[];
  /** Named after the port: cookies do not tell ports apart. */
  readonly cookie: string;
}

export interface ApiDeps {
  readonly site: Site;
  readonly leases: LeaseSite;
  readonly money: MoneySite;
  readonly doctor: DoctorSite;
  readonly metrics: MetricSite;
  readonly reports: ReportSite;
  readonly incidents: IncidentSite;
  readonly alerts: AlertSite;
  readonly transfers: TransferSite;
  readonly whatIf: WhatIfSite;
  readonly exposition: ExpositionSite;
  readonly tokens: TokenSite;
  readonly settings: SettingsSite;
  readonly parse: Parse;
  readonly streams: Streams;
  readonly log: Log;
  /** Whose token it is; takes the same time whatever is wrong with it. */
  identify(token: string): Identity | undefined;
  /** Asked per request, for the port is known only once the listener is open. */
  address(): Address;
  /** A file of the web page. */
  page(path: string, headers: Headers): Response | undefined;
}

/** Where a failure goes that the asker is not told about. */
export type Log = (sentence: string, error?: unknown) => void;
