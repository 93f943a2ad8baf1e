import assert from 'node:assert/strict';
import { fillCalendar } from '../../src/app/fill-calendar.ts';
import { siteNames } from '../../src/app/site-names.ts';
import { timeMs } from '../../src/base/units.ts';
import type { SchedulingConfig } from '../../src/model/scheduling-config.ts';
import type { WrittenSite } from '../../src/model/site-config.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { type ParsedSite, parseSite } from '../../src/spec/site-document.ts';

const names = siteNames();

export const parse = (text: string, fileName = 'site.yaml'): ParsedSite =>
  parseSite(text, { fileName, ...names });

/** A document that must be right. */
export function written(text: string): WrittenSite['scheduling'] {
  const parsed = parse(text);
  if (!parsed.ok) assert.fail(formatIssues(parsed.issues, text, 'site.yaml'));
  return parsed.site.scheduling;
}

export function schedulingOf(text: string, now = 0): SchedulingConfig {
  return fillCalendar({ scheduling: written(text), budgets: [] }, timeMs(now)).scheduling;
}

/** The first lines of what is reported, without the name of the file. */
export function reported(text: string): string[] {
  const parsed = parse(text);
  const issues = parsed.ok ? parsed.warnings : parsed.issues;
  return formatIssues(issues, text, 's')
    .split('\n')
    .filter((line) => /^s:\d/.test(line))
    .map((line) => line.slice(2));
}
