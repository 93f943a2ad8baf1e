import type { Origin, Setting, Settings } from './settings.ts';

export interface ExplainedSetting {
  readonly name: string;
  /** Null where nothing is set. */
  readonly value: string | number | boolean | null;
  readonly origin: Origin;
  readonly source: string;
}

/** The token is never shown, only that there is one. */
export function explainSettings(settings: Settings): readonly ExplainedSetting[] {
  const { token } = settings;
  return [
    ...daemonSettings(settings),
    row('url', settings.url),
    row('token', { ...token, value: token.value === undefined ? undefined : '(hidden)' }),
    row('colour', settings.colour),
    row('unicode', settings.unicode),
    row('json', settings.json),
    row('quiet', settings.quiet),
  ];
}

/** Those that a daemon goes by; undefined as a port: no TCP. */
export function daemonSettings(
  settings: Pick<Settings, 'stateDir' | 'site' | 'prices'> & {
    readonly port: Setting<number | undefined>;
  },
): readonly ExplainedSetting[] {
  return [
    row('state_dir', settings.stateDir),
    row('port', settings.port),
    row('site', settings.site),
    row('prices', settings.prices),
  ];
}

const row = (
  name: string,
  { value, origin, source }: Setting<string | number | boolean | undefined>,
): ExplainedSetting => ({ name, value: value ?? null, origin, source });
