import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { glyph } from '../page.ts';
import type { Origin, Setting, Settings } from '../settings.ts';
import { renderTable } from '../table.ts';

export const configExplain = defineCommand({
  name: 'config explain',
  group: 'Files and settings',
  summary: 'Show each setting as it is in force, and where it comes from',
  details: ['A flag is stronger than the environment, and that is stronger than what is built in.'],
  options: {},
  json: '{settings: [{name, value, origin, source}, …]}',
  async run(_input, world) {
    const settings = explain(world.settings);
    return {
      document: { settings },
      view: (page) =>
        renderTable(
          page,
          [
            { title: 'SETTING' },
            { title: 'VALUE', min: 12 },
            { title: 'ORIGIN' },
            { title: 'SOURCE', min: 12 },
          ],
          settings.map(({ name, value, origin, source }) => [
            name,
            value === null ? glyph(page, 'unknown') : String(value),
            origin,
            source,
          ]),
        ),
      exit: EXIT.ok,
    };
  },
});

interface Explained {
  readonly name: string;
  /** Null where nothing is set. */
  readonly value: string | number | boolean | null;
  readonly origin: Origin;
  readonly source: string;
}

/** The token is never shown, only that there is one. */
function explain(settings: Settings): readonly Explained[] {
  const { token } = settings;
  const row = (
    name: string,
    setting: Setting<string | number | boolean | undefined>,
  ): Explained => ({
    name,
    value: setting.value ?? null,
    origin: setting.origin,
    source: setting.source,
  });
  return [
    row('state_dir', settings.stateDir),
    row('port', settings.port),
    row('site', settings.site),
    row('prices', settings.prices),
    row('url', settings.url),
    row('token', { ...token, value: token.value === undefined ? undefined : '(hidden)' }),
    row('colour', settings.colour),
    row('unicode', settings.unicode),
    row('json', settings.json),
    row('quiet', settings.quiet),
  ];
}
