import { isAbsolute, resolve } from 'node:path';
import type { Origin, Parse } from '../api/routes/api-env.ts';
import type { TimeMs } from '../base/units.ts';
import type { SiteConfig } from '../model/site-config.ts';
import { formatIssues } from '../spec/format-issues.ts';
import { type ParseOptions, parseDocument } from '../spec/parse-document.ts';
import { actionPrograms } from './action-programs.ts';
import { zoneReader } from './zone-reader.ts';

/** Of a workload; each is shown when it is submitted. */
const WARNINGS_KEPT = 50;

/** What a document is parsed with, as it was sent. */
export function parseOptions(
  origin: Omit<Origin, 'cwd'> & { readonly unreadable?: Readonly<Record<string, string>> },
): ParseOptions {
  const { fileName, files = {}, unreadable = {}, vars, varsFiles } = origin;
  return {
    fileName,
    files: {
      texts: new Map(Object.entries(files)),
      unreadable: new Map(Object.entries(unreadable)),
    },
    vars: { ...(vars && { given: vars }), ...(varsFiles && { files: varsFiles }) },
    programs: actionPrograms,
  };
}

/** Documents as they are submitted to a site; paths in them are taken from the folder they were submitted from. */
export const submissionParser = (
  { timeZone = 'UTC', documents = {}, storage, autoscaling }: SiteConfig,
  now: () => TimeMs,
): Parse => {
  const site = {
    zoneOf: zoneReader(timeZone, now),
    site: documents,
    storage: storage ?? {},
    ...(autoscaling && { autoscaling }),
  };
  return (text, origin) => parseSubmission(text, origin, site);
};

function parseSubmission(
  text: string,
  origin: Origin,
  site: Pick<ParseOptions, 'zoneOf' | 'site' | 'storage' | 'autoscaling'>,
): ReturnType<Parse> {
  const { fileName, cwd } = origin;
  const options = { ...parseOptions(origin), ...site };
  const texts = options.files?.texts;
  const parsed = parseDocument(text, options);
  if (!parsed.ok) {
    const report = formatIssues(parsed.issues, text, fileName, texts);
    return { ok: false, issues: parsed.issues, text: report };
  }
  const steps = parsed.spec.steps.map((step) => ({
    ...step,
    cwd: isAbsolute(step.cwd) || cwd === '' ? step.cwd : resolve(cwd, step.cwd),
  }));
  const warnings = parsed.warnings.map((warning) =>
    formatIssues([warning], text, fileName, texts).trimEnd(),
  );
  const kept = warnings.slice(0, WARNINGS_KEPT).map((warning) => warning.split('\n')[0]!);
  const spec = { ...parsed.spec, steps, ...(kept.length > 0 && { warnings: kept }) };
  return { ok: true, spec, warnings };
}
