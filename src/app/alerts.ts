import type {
  AlertReplay,
  AlertReplayQuery,
  AlertSite,
  SilenceDocument,
  SilenceRequest,
} from '../api/contract/alert-documents.ts';
import type { AlertDocument, AlertList } from '../api/contract/telemetry-documents.ts';
import type { TimeMs } from '../base/units.ts';
import { type AlertConfig, type AlertRule, type Silence, severities } from '../model/alert-rule.ts';
import { OperationError } from '../model/errors.ts';
import { parseCondition } from '../spec/alert-condition.ts';
import { defaultRules, ruleOfText } from '../spec/alerts-block.ts';
import { parseSpan } from '../spec/quantities.ts';
import { storageFailure } from '../store/io/storage-failure.ts';
import {
  type ActionOrder,
  type Alert,
  type AlertState,
  afterRestart,
  type Notice,
  noAlerts,
  SILENCES_MAX,
  withActed,
  withTold,
} from '../telemetry/alerts/alert-state.ts';
import { namesIn } from '../telemetry/alerts/evaluate.ts';
import { readAlertFile, writeAlertFile } from '../telemetry/alerts/io/alert-file.ts';
import { type Delivery, deliver } from '../telemetry/alerts/io/deliver.ts';
import { mutingOf } from '../telemetry/alerts/muting.ts';
import { replay } from '../telemetry/alerts/replay.ts';
import { alertSentence } from '../telemetry/alerts/sentence.ts';
import { step } from '../telemetry/alerts/step.ts';
import { isSeen, type LiveMetrics, type MetricHistory } from '../telemetry/metric.ts';
import { AlertOutbox } from './alert-outbox.ts';
import type { DaemonLog } from './daemon-log.ts';
import { MeasuredNow } from './measured-now.ts';

/** What ended is shown for so long, and so much of it. */
const ENDED_SHOWN_MS = 24 * 3_600_000;
const ENDED_SHOWN_MAX = 200;
const REPLAYED_SHOWN_MAX = 500;
const REPLAY_MS_MAX = 400 * 86_400_000;
/** What is not news is written so often, for a restart to go on from. */
const WRITE_EVERY_MS = 60_000;

export interface LiveAlertsDeps {
  /** Undefined: the rules that come with Berth, and nobody is told. */
  readonly config: AlertConfig | undefined;
  /** Of the site or the host, for receivers. */
  readonly site: string;
  readonly live: LiveMetrics;
  readonly history: MetricHistory;
  /** In the state folder. */
  readonly file: string;
  readonly now: () => TimeMs;
  /** Does what a rule says, and tells what came of it in a sentence. Never rejects. */
  readonly act: (order: ActionOrder, rule: AlertRule) => Promise<string>;
  readonly log: DaemonLog;
}

/** Alerts of the running daemon: looks when it is told to, and keeps what a restart must not forget. */
export class LiveAlerts implements AlertSite {
  readonly #deps: LiveAlertsDeps;
  readonly #config: AlertConfig;
  readonly #rules: ReadonlyMap<string, AlertRule>;
  readonly #outbox: AlertOutbox;
  readonly #closing = new AbortController();
  readonly #measured: MeasuredNow;
  #state: AlertState;
  #writtenAt = 0;
  #failing = false;

  constructor(deps: LiveAlertsDeps) {
    this.#deps = deps;
    this.#config = deps.config ?? { rules: defaultRules(), receivers: [], silences: [] };
    this.#rules = new Map(this.#config.rules.map((rule) => [rule.name, rule]));
    this.#measured = new MeasuredNow(deps.live, deps.history);
    const kept = this.#read();
    this.#state = afterRestart(kept?.state ?? noAlerts, deps.now());
    const site = { site: deps.site, ruleOf: (name: string) => this.#rules.get(name) };
    this.#outbox = new AlertOutbox(kept?.outbox ?? [], {
      receivers: this.#config.receivers,
      deliver: (receiver, notice) => deliver(receiver, notice, site, this.#closing.signal),
      onOutcome: (notice, outcome) => this.#noteDelivery(notice, outcome),
      onTrouble: (sentence) => deps.log('alerts', sentence),
    });
  }

  /** One look at all rules. What follows from it is on disk before anybody hears of it. */
  look(): void {
    if (this.#closing.signal.aborted) return;
    const at = this.#deps.now();
    const { state, notices, orders, isNews } = step(
      this.#config,
      this.#state,
      this.#measured.at(at),
    );
    this.#logChanges(this.#state, state);
    this.#state = state;
    this.#outbox.add(notices);
    if (isNews || at - this.#writtenAt >= WRITE_EVERY_MS) this.#write();
    for (const order of orders) void this.#act(order);
    this.#outbox.send();
  }

  list(only: string | undefined): AlertList {
    const now = this.#deps.now();
    const muting = mutingOf(this.#config, this.#state, now);
    const rank = ({ state, severity }: Alert): number =>
      (state === 'firing' ? 10 : 0) + severities.indexOf(severity);
    const active = this.#state.active
      .filter(({ labels }) => isSeen(labels, only))
      .sort((a, b) => rank(b) - rank(a) || a.since - b.since || (a.id < b.id ? -1 : 1));
    const ended = this.#state.ended
      .filter(
        ({ labels, resolvedAt }) => isSeen(labels, only) && now - resolvedAt! <= ENDED_SHOWN_MS,
      )
      .slice(0, ENDED_SHOWN_MAX);
    return {
      now,
      alerts: [
        ...active.map((alert) => this.#document(alert, now, muting(alert)?.why ?? null)),
        ...ended.map((alert) => this.#document(alert, now, null)),
      ],
      rules: this.#config.rules.map((rule) => this.#ruleDocument(rule)),
      silences: [...this.#config.silences, ...this.#state.silences].filter(
        ({ until }) => until > now,
      ),
    };
  }

  silence({ matches, for_ms: forMs, comment }: SilenceRequest, by: string): SilenceDocument {
    const now = this.#deps.now();
    const known = this.#state.silences.filter(({ until }) => until > now);
    if (known.length >= SILENCES_MAX) {
      throw new OperationError('REFUSED', `There are ${SILENCES_MAX} silences already.`);
    }
    const lastSilence = this.#state.lastSilence + 1;
    const until = (now + forMs) as TimeMs;
    const silence: Silence = { id: `s${lastSilence}`, matches, until, by, comment };
    this.#change({ ...this.#state, lastSilence, silences: [...known, silence] });
    return silence;
  }

  unsilence(id: string): boolean {
    if (this.#config.silences.some((one) => one.id === id)) {
      const message = `The silence ${id} stands in the site document.`;
      throw new OperationError('REFUSED', message, { hint: 'Take it out there.' });
    }
    const silences = this.#state.silences.filter((one) => one.id !== id);
    if (silences.length === this.#state.silences.length) return false;
    this.#change({ ...this.#state, silences });
    return true;
  }

  replay(query: AlertReplayQuery, only: string | undefined): AlertReplay {
    const rule = this.#askedRule(query);
    const span = parseSpan(query.span);
    if (!span.ok || span.value === 0 || span.value > REPLAY_MS_MAX) {
      const hint = 'A span such as 24h or 7d, at most 400d.';
      throw new OperationError('USAGE', 'query span: not a span to look back.', { hint });
    }
    const to = this.#deps.now();
    const from = Math.max(0, to - span.value) as TimeMs;
    const { history } = this.#deps;
    // What a condition adds up has no labels any more: nothing of others goes into it.
    const seen: Pick<MetricHistory, 'query'> = {
      query: (asked) => history.query(asked).filter(({ labels }) => isSeen(labels, only)),
    };
    const replayed = replay(rule, seen, { from, to });
    const alerts = replayed.alerts.filter(({ labels }) => isSeen(labels, only));
    const firingMs = alerts.map(({ firedAt, resolvedAt = to }) => resolvedAt - firedAt!);
    return {
      rule: query.rule ?? null,
      condition: rule.text,
      from,
      to,
      interval_ms: replayed.intervalMs,
      missing: [...replayed.missing],
      notices: replayed.notices,
      firing_ms: firingMs.reduce((a, b) => a + b, 0),
      total: alerts.length,
      alerts: alerts.slice(0, REPLAYED_SHOWN_MAX).map((alert) => ({
        labels: alert.labels,
        since: alert.since,
        fired_at: alert.firedAt!,
        resolved_at: alert.resolvedAt ?? null,
        sentence: alertSentence(alert, rule, to),
      })),
    };
  }

  /** What is under way is ended, and told again by the next daemon. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#outbox.close();
    this.#write();
  }

  #askedRule({ rule: name, condition: written, duration }: AlertReplayQuery): AlertRule {
    if ((name === undefined) === (written === undefined)) {
      throw new OperationError('USAGE', 'A rule or a condition is replayed, one of them.');
    }
    const held = duration === undefined ? undefined : parseSpan(duration);
    if (held?.ok === false) {
      throw new OperationError('USAGE', `query duration: ${held.message}.`, {
        hint: held.expected,
      });
    }
    const known = name === undefined ? undefined : this.#rules.get(name);
    if (name !== undefined && known === undefined) {
      const hint = '`berth alerts rules` lists them.';
      throw new OperationError('USAGE', `No rule is called ${JSON.stringify(name)}.`, { hint });
    }
    const rule = known ?? typedRule(written!);
    return held === undefined ? rule : { ...rule, durationMs: held.value };
  }

  #document(alert: Alert, now: TimeMs, mutedBy: string | null): AlertDocument {
    const rule = this.#rules.get(alert.rule);
    return {
      id: alert.id,
      rule: alert.rule,
      severity: alert.severity,
      state: alert.state,
      sentence: alertSentence(alert, rule, now),
      condition: rule?.text ?? '',
      labels: alert.labels,
      value: alert.value,
      since: alert.since,
      fired_at: alert.firedAt ?? null,
      resolved_at: alert.resolvedAt ?? null,
      muted_by: mutedBy,
      told: [...alert.told],
      acted: [...alert.acted],
    };
  }

  #ruleDocument(rule: AlertRule): AlertList['rules'][number] {
    const { name, text, durationMs, severity, actions, origin } = rule;
    const unknown = namesIn(rule.condition).filter(
      (one) => this.#deps.live.latest(one).length === 0,
    );
    return {
      name,
      condition: text,
      duration_ms: durationMs,
      severity,
      actions: actions.map(({ kind }) => kind),
      origin,
      problem: unknown.length === 0 ? null : `nobody measures ${unknown.join(', ')} here now`,
    };
  }

  async #act(order: ActionOrder): Promise<void> {
    const { alert, index, action } = order;
    const outcome = await this.#deps.act(order, this.#rules.get(alert.rule)!);
    this.#deps.log('alerts', `${alert.rule} (${alert.id}): ${action.kind}: ${outcome}`);
    this.#state = withActed(this.#state, alert.id, index, outcome);
    this.#write();
  }

  #noteDelivery(notice: Notice, delivery: Delivery): void {
    const outcome = delivery.ok
      ? 'delivered'
      : delivery.again
        ? `waits: ${delivery.why}`
        : `not delivered: ${delivery.why}`;
    this.#state = withTold(this.#state, notice, outcome);
    if (delivery.ok || !delivery.again) this.#write();
  }

  #logChanges(before: AlertState, after: AlertState): void {
    const fired = new Set(
      before.active.filter(({ state }) => state === 'firing').map(({ id }) => id),
    );
    const tell = (alert: Alert, what: string): void => {
      const sentence = alertSentence(alert, this.#rules.get(alert.rule), after.at);
      this.#deps.log(
        'alerts',
        `${alert.rule} (${alert.severity}, ${alert.id}) ${what}: ${sentence}`,
      );
    };
    for (const alert of after.active) {
      if (alert.state === 'firing' && !fired.has(alert.id)) tell(alert, 'fires');
    }
    for (const alert of after.ended) {
      if (!fired.has(alert.id)) break;
      tell(alert, 'ended');
    }
    if (after.dropped > before.dropped) {
      const more = after.dropped - before.dropped;
      this.#deps.log('alerts', `${more} alerts have no room beside those that fire already`);
    }
  }

  /** What somebody asked for is durable, or refused. */
  #change(state: AlertState): void {
    const before = this.#state;
    this.#state = state;
    try {
      writeAlertFile(this.#deps.file, { state, outbox: this.#outbox.waiting() });
    } catch (error) {
      this.#state = before;
      throw storageFailure(`the file of alerts ${this.#deps.file}`, error);
    }
  }

  /** A full disk keeps nobody from being told: then a restart may tell again. */
  #write(): void {
    this.#writtenAt = this.#deps.now();
    try {
      writeAlertFile(this.#deps.file, { state: this.#state, outbox: this.#outbox.waiting() });
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#deps.log('alerts', 'what fires could not be kept', error);
      this.#failing = true;
    }
  }

  #read(): ReturnType<typeof readAlertFile> {
    try {
      return readAlertFile(this.#deps.file);
    } catch (error) {
      this.#deps.log('alerts', `${this.#deps.file} cannot be read, and is begun anew`, error);
      return undefined;
    }
  }
}

function typedRule(written: string): AlertRule {
  const parsed = parseCondition(written);
  if (!parsed.ok) {
    const message = `1:${parsed.at + 1}: ${parsed.message}.`;
    const { expected, suggestion } = parsed;
    const hint = suggestion === undefined ? `Expected: ${expected}.` : `Is it ${suggestion}?`;
    throw new OperationError('USAGE', message, { hint });
  }
  return ruleOfText({ name: 'condition', condition: written }, 'typed');
}
