import { formatMoment } from '../../base/format.ts';
import type { AlertRule } from '../../model/alert-rule.ts';
import type { Notice, NoticeItem } from './alert-state.ts';
import { alertSentence } from './sentence.ts';

/** An alert of which nothing is heard for so long has ended, as far as Alertmanager goes: the daemon may be gone. */
const HEARD_MS = 5 * 60_000;
/** Alerts that one text for people names; the others are counted. */
const LINES_MAX = 20;

export interface NoticeSite {
  /** Of the site, or the name of the host. */
  readonly site: string;
  readonly ruleOf: (name: string) => AlertRule | undefined;
}

/** `POST /api/v2/alerts`. Those that it heard of before it takes for the same by their labels. */
export function alertmanagerBody({ at, items }: Notice, { site, ruleOf }: NoticeSite): object {
  return items.map(({ alert }) => {
    const rule = ruleOf(alert.rule);
    return {
      labels: {
        ...alert.labels,
        alertname: alert.rule,
        severity: alert.severity,
        site,
      },
      annotations: {
        description: alertSentence(alert, rule, at),
        ...(rule?.summary !== undefined && { summary: rule.summary }),
        ...(rule !== undefined && { condition: rule.text }),
      },
      startsAt: new Date(alert.firedAt ?? alert.since).toISOString(),
      endsAt: new Date(alert.resolvedAt ?? at + HEARD_MS).toISOString(),
    };
  });
}

/** What webhooks and programs get. */
export function noticeBody(
  { to, at, items }: Notice,
  { site, ruleOf }: NoticeSite,
): { readonly alerts: readonly object[]; readonly [key: string]: unknown } {
  return {
    version: 1,
    site,
    receiver: to,
    at,
    alerts: items.map(({ what, alert }) => ({
      id: alert.id,
      what,
      state: alert.state,
      rule: alert.rule,
      severity: alert.severity,
      condition: ruleOf(alert.rule)?.text ?? null,
      sentence: alertSentence(alert, ruleOf(alert.rule), at),
      summary: ruleOf(alert.rule)?.summary ?? null,
      labels: alert.labels,
      value: alert.value,
      since: alert.since,
      fired_at: alert.firedAt ?? null,
      resolved_at: alert.resolvedAt ?? null,
    })),
  };
}

/** An incoming webhook of Slack. */
export function slackBody(notice: Notice, site: NoticeSite): object {
  const lines = notice.items.slice(0, LINES_MAX).map((item) => escaped(lineOf(item, notice, site)));
  const more = notice.items.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  return { text: `*${escaped(site.site)}*\n${lines.join('\n')}` };
}

const words: Readonly<Record<NoticeItem['what'], string>> = {
  firing: 'FIRES',
  resolved: 'ENDED',
  repeat: 'STILL FIRES',
  escalation: 'FIRES, AND NOBODY DID ANYTHING',
};

function lineOf({ what, alert }: NoticeItem, { at }: Notice, { ruleOf }: NoticeSite): string {
  const { rule, severity } = alert;
  return `${words[what]}: ${rule} (${severity}): ${alertSentence(alert, ruleOf(rule), at)}`;
}

/** https://api.slack.com/reference/surfaces/formatting: these three are what a text may not have. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Events API v2, which takes one alert a time; Berth's id is what makes them the same. */
export function pagerdutyBodies(
  { at, items }: Notice,
  { site, ruleOf }: NoticeSite,
  routingKey: string,
): readonly object[] {
  return items
    .filter(({ what }) => what !== 'repeat')
    .map(({ alert }) => {
      const dedup = { routing_key: routingKey, dedup_key: `berth ${site} ${alert.id}` };
      if (alert.state === 'resolved') return { ...dedup, event_action: 'resolve' };
      return {
        ...dedup,
        event_action: 'trigger',
        payload: {
          summary: `${alert.rule}: ${alertSentence(alert, ruleOf(alert.rule), at)}`.slice(0, 1_024),
          source: site,
          severity: alert.severity,
          timestamp: formatMoment(alert.firedAt ?? alert.since),
          component: alert.rule,
          custom_details: alert.labels,
        },
      };
    });
}
