import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { explainSettings } from '../explain-settings.ts';
import { glyph } from '../page.ts';
import { renderTable } from '../table.ts';

export const configExplain = defineCommand({
  name: 'config explain',
  group: 'Files and settings',
  summary: 'Show each setting as it is in force, and where it comes from',
  details: ['A flag is stronger than the environment, and that is stronger than what is built in.'],
  options: {},
  json: '{settings: [{name, value, origin, source}, …]}',
  async run(_input, world) {
    const settings = explainSettings(world.settings);
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
