import type {
  Setting,
  SettingsDocument,
  SettingsSite,
} from '../api/contract/settings-documents.ts';
import { siteRows } from '../api/views/settings.ts';
import type { ExplainedSetting } from '../cli/explain-settings.ts';
import { siteSettings } from '../spec/site-settings.ts';
import type { PluginKeeper } from './plugin-keeper.ts';

/** What each says; those of a site document say it themselves. */
const meanings: Readonly<Record<string, string>> = {
  state_dir: 'Folder of the journal, of logs and of all else that Berth keeps.',
  port: 'Of the API and this page; 0 takes any that is free. None: the unix socket only.',
  site: 'The site document.',
  prices: 'What things cost: `berth prices`.',
};

export interface LiveSettingsDeps {
  readonly daemon: readonly ExplainedSetting[];
  readonly siteFile: string | null;
  /** As it was when the daemon started, and is in force. */
  readonly siteText: string | undefined;
  readonly plugins: Pick<PluginKeeper, 'status'>;
}

/** What the daemon goes by. It is read once, at its start, so it is made once, when first asked for. */
export class LiveSettings implements SettingsSite {
  readonly #deps: LiveSettingsDeps;
  #document: SettingsDocument | undefined;

  constructor(deps: LiveSettingsDeps) {
    this.#deps = deps;
  }

  settings(): SettingsDocument {
    this.#document ??= this.#made();
    return this.#document;
  }

  #made(): SettingsDocument {
    const { daemon, siteFile, siteText, plugins } = this.#deps;
    const site = siteSettings(siteText, siteFile?.endsWith('.json') ? 'json' : 'yaml');
    const ofDaemon = daemon.map(
      ({ name, value, origin, source }): Setting => ({
        name,
        group: 'daemon',
        value: value === null ? null : String(value),
        default: null,
        origin,
        source,
        meaning: meanings[name] ?? '',
        withheld: null,
      }),
    );
    const ofPlugins = plugins.status().map(
      ({ name, kind, file }): Setting => ({
        name,
        group: 'plug-in',
        value: kind,
        default: null,
        origin: 'plug-in',
        source: file,
        meaning: `A ${kind} of the site's own.`,
        withheld: null,
      }),
    );
    return {
      site_file: siteFile ?? null,
      settings: [...ofDaemon, ...ofPlugins, ...siteRows(site, siteFile ?? undefined)],
      left_out: site.leftOut,
    };
  }
}
