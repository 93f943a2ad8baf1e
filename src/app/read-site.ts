import type { TimeMs } from '../base/units.ts';
import { readDocument } from '../cli/io/read-document.ts';
import { OperationError } from '../model/errors.ts';
import { defaultScheduling } from '../model/scheduling-config.ts';
import type { SiteConfig } from '../model/site-config.ts';
import { formatIssues } from '../spec/format-issues.ts';
import { parseSite, pluginFiles } from '../spec/site-document.ts';
import { fillCalendar } from './fill-calendar.ts';
import { type LoadedPlugin, loadPlugins } from './load-plugins.ts';
import { siteNames } from './site-names.ts';

export interface ReadSite {
  readonly config: SiteConfig;
  /** As it was read. */
  readonly text: string;
  readonly plugins: readonly LoadedPlugin[];
  /** Each with its place, for the log. */
  readonly warnings: readonly string[];
}

export const defaultSite: SiteConfig = { scheduling: defaultScheduling, budgets: [] };

/** The site file as of `now`. Rejects with FILE_UNREADABLE, with PLUGIN_INVALID, or with SPEC_INVALID and all that is wrong. */
export async function readSite(file: string, now: TimeMs): Promise<ReadSite> {
  const { text } = await readDocument(file, '/');
  const plugins = await loadPlugins(pluginFiles(text, { fileName: file }), { siteFile: file });
  const parsed = parseSite(text, { fileName: file, ...siteNames(plugins) });
  if (!parsed.ok) {
    const report = formatIssues(parsed.issues, text, file).trimEnd();
    throw new OperationError('SPEC_INVALID', `The site file is not valid.\n${report}`, {
      issues: parsed.issues,
      hint: `\`berth check ${file}\` shows this, too.`,
    });
  }
  const warnings = parsed.warnings.map((issue) => {
    const [sentence] = formatIssues([issue], text, file).split('\n');
    return sentence ?? '';
  });
  return { config: fillCalendar(parsed.site, now), text, plugins, warnings };
}
