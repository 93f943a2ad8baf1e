import type { OptionSpec } from './command.ts';

/** Taken by every command, before or after its name. */
export const globalOptions = {
  state: {
    kind: 'text',
    value: 'folder',
    complete: 'folder',
    summary: 'the state folder (BERTH_STATE, else XDG_STATE_HOME/berth)',
  },
  url: { kind: 'text', value: 'url', summary: 'a daemon elsewhere, by HTTP (BERTH_URL)' },
  token: { kind: 'text', value: 'token', summary: 'its bearer token (BERTH_TOKEN)' },
  json: { kind: 'flag', summary: 'print one JSON document on stdout, and nothing else' },
  quiet: { kind: 'flag', short: 'q', summary: 'no progress and no messages on stderr but errors' },
  color: { kind: 'flag', summary: 'no colour, as with NO_COLOR' },
} as const satisfies Record<string, OptionSpec>;

/** How an option is written: `color` can only be taken away. */
export const longName = (key: string): string =>
  key === 'color' ? '--no-color' : `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
