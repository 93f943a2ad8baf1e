import type { ColourDepth } from './page.ts';

/** From weakest to strongest. `found` is what the state folder says, or a file in its place. */
export type Origin = 'default' | 'found' | 'environment' | 'flag';

export interface Setting<T> {
  readonly value: T;
  readonly origin: Origin;
  /** The variable, flag or rule that said so. */
  readonly source: string;
}

export interface Settings {
  /** Absolute. */
  readonly stateDir: Setting<string>;
  /** Of the daemon that `up` starts, unless its --port says; 0 takes any free one. */
  readonly port: Setting<number>;
  /** What the daemon reads at its start, unless --site of `up` says. Absolute; undefined: nothing. */
  readonly site: Setting<string | undefined>;
  /** What things cost, unless --prices of `up` says. Absolute; undefined: nothing has a price. */
  readonly prices: Setting<string | undefined>;
  /** Undefined: the socket of the state folder. */
  readonly url: Setting<string | undefined>;
  /** Undefined: the token file of the state folder. */
  readonly token: Setting<string | undefined>;
  readonly colour: Setting<ColourDepth>;
  readonly unicode: Setting<boolean>;
  readonly json: Setting<boolean>;
  readonly quiet: Setting<boolean>;
}

/** The flags that every command takes. */
export interface GlobalFlags {
  readonly state?: string | undefined;
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly color?: boolean | undefined;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: string;
  /** Makes a path absolute against the working directory. */
  resolve(path: string): string;
  exists(path: string): boolean;
}

/** Unassigned by IANA (2026), below the ephemeral ports of Linux. */
const DEFAULT_PORT = 7411;

/** Default < environment < flag, each with where it came from. An unusable variable is not an error: it is ignored and says so. */
export function resolveSettings(flags: GlobalFlags, around: Surroundings): Settings {
  const { env } = around;
  return {
    stateDir: stateDir(flags, around),
    port: port(env),
    site: site(around),
    prices: prices(around),
    url: text(flags.url, '--url', env, 'BERTH_URL', 'the socket of the state folder'),
    token: text(flags.token, '--token', env, 'BERTH_TOKEN', 'the token file of the state folder'),
    colour: colour(flags, env),
    unicode: unicode(around),
    json: flag(flags.json, '--json'),
    quiet: flag(flags.quiet, '--quiet'),
  };
}

function stateDir(flags: GlobalFlags, around: Surroundings): Setting<string> {
  if (flags.state !== undefined) {
    return { value: around.resolve(flags.state), origin: 'flag', source: '--state' };
  }
  const own = around.env['BERTH_STATE'];
  if (own !== undefined && own !== '') {
    return { value: around.resolve(own), origin: 'environment', source: 'BERTH_STATE' };
  }
  const xdg = around.env['XDG_STATE_HOME'];
  if (xdg?.startsWith('/')) {
    return { value: `${xdg}/berth`, origin: 'environment', source: 'XDG_STATE_HOME' };
  }
  return {
    value: `${around.home}/.local/state/berth`,
    origin: 'default',
    source: '~/.local/state/berth',
  };
}

function site({ env, home, resolve, exists }: Surroundings): Setting<string | undefined> {
  const own = env['BERTH_SITE'];
  if (own !== undefined && own !== '') {
    return { value: resolve(own), origin: 'environment', source: 'BERTH_SITE' };
  }
  const said = env['XDG_CONFIG_HOME'];
  const isSaid = said?.startsWith('/') === true;
  const file = `${isSaid ? said : `${home}/.config`}/berth/site.yaml`;
  const source = isSaid ? 'XDG_CONFIG_HOME' : '~/.config/berth/site.yaml';
  return exists(file)
    ? { value: file, origin: 'found', source }
    : { value: undefined, origin: 'default', source: 'one queue, by priority' };
}

function prices({ env, resolve }: Surroundings): Setting<string | undefined> {
  const own = env['BERTH_PRICES'];
  return own !== undefined && own !== ''
    ? { value: resolve(own), origin: 'environment', source: 'BERTH_PRICES' }
    : { value: undefined, origin: 'default', source: 'nothing has a price' };
}

function port(env: Surroundings['env']): Setting<number> {
  const said = env['BERTH_PORT'];
  if (said !== undefined && /^\d{1,5}$/.test(said) && Number(said) <= 65_535) {
    return { value: Number(said), origin: 'environment', source: 'BERTH_PORT' };
  }
  const ignored = said === undefined || said === '' ? '' : ' (BERTH_PORT is not a port)';
  return { value: DEFAULT_PORT, origin: 'default', source: `built in${ignored}` };
}

function text(
  flagValue: string | undefined,
  flagName: string,
  env: Surroundings['env'],
  variable: string,
  otherwise: string,
): Setting<string | undefined> {
  if (flagValue !== undefined) return { value: flagValue, origin: 'flag', source: flagName };
  const said = env[variable];
  if (said !== undefined && said !== '') {
    return { value: said, origin: 'environment', source: variable };
  }
  return { value: undefined, origin: 'default', source: otherwise };
}

function flag(value: boolean | undefined, name: string): Setting<boolean> {
  return value === true
    ? { value: true, origin: 'flag', source: name }
    : { value: false, origin: 'default', source: 'built in' };
}

/** What the terminal can show; whether it is one at all is decided per stream. */
function colour(flags: GlobalFlags, env: Surroundings['env']): Setting<ColourDepth> {
  if (flags.color === false) return { value: 'none', origin: 'flag', source: '--no-color' };
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') {
    return { value: 'none', origin: 'environment', source: 'NO_COLOR' };
  }
  const term = env['TERM'];
  if (term === undefined || term === '' || term === 'dumb') {
    return { value: 'none', origin: 'environment', source: `TERM=${term ?? ''}` };
  }
  const deep = /256|direct|kitty|alacritty|ghostty/.test(term);
  if (deep) return { value: '256', origin: 'environment', source: `TERM=${term}` };
  if (env['COLORTERM'] !== undefined && env['COLORTERM'] !== '') {
    return { value: '256', origin: 'environment', source: `COLORTERM=${env['COLORTERM']}` };
  }
  return { value: 'basic', origin: 'environment', source: `TERM=${term}` };
}

/** The first variable that is set decides, as in setlocale(3); macOS shows UTF-8 whatever they say. */
function unicode(around: Surroundings): Setting<boolean> {
  for (const name of ['LC_ALL', 'LC_CTYPE', 'LANG']) {
    const said = around.env[name];
    if (said === undefined || said === '') continue;
    return { value: /utf-?8/i.test(said), origin: 'environment', source: `${name}=${said}` };
  }
  return around.platform === 'darwin'
    ? { value: true, origin: 'default', source: 'macOS' }
    : { value: false, origin: 'default', source: 'no UTF-8 locale is set' };
}
