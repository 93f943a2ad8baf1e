import { stringify } from 'yaml';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import { importLitellm } from '../../spec/litellm-prices.ts';
import { writeModels } from '../../spec/price-document.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const pricesImport = defineCommand({
  name: 'prices import',
  group: 'Files and settings',
  summary: "Turn LiteLLM's model_prices_and_context_window.json into `models` of a price file",
  details: [
    'It is printed, for a file of your own. Models without a price of tokens are left out and counted: they are unknown, not free.',
  ],
  operand: {
    name: 'file',
    summary: 'the JSON file; - reads stdin',
    required: true,
    many: false,
    complete: 'file',
  },
  options: {
    'valid-from': {
      kind: 'text',
      value: 'day',
      summary: 'such as 2026-11-22; today, when not given',
    },
  },
  json: '{models, skipped: [{model, why}, …]}',
  examples: ['berth prices import model_prices_and_context_window.json >> prices.yaml'],
  async run({ operands, options }, world) {
    const [file = ''] = operands;
    const { text, fileName } = await world.documents.read(file);
    const validFrom = dayOf(options['valid-from'], world.now());
    const imported = importLitellm(text, { validFrom, source: `LiteLLM, ${fileName}` });
    if (imported === undefined) {
      throw new OperationError('SPEC_INVALID', `${fileName} is no price table of LiteLLM.`, {
        hint: 'It is a JSON map of models with input_cost_per_token and others.',
      });
    }
    const { skipped } = imported;
    const models = writeModels(imported.models);
    if (skipped.length > 0) {
      world.note(`${skipped.length} entries have no price of tokens and are left out`);
    }
    return {
      document: { models, skipped },
      view: () => stringify({ models }).trimEnd().split('\n'),
      exit: EXIT.ok,
    };
  },
});

function dayOf(written: string | undefined, now: number): TimeMs {
  const day = written ?? new Date(now).toISOString().slice(0, 10);
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (!Number.isNaN(at)) return at as TimeMs;
  throw new OperationError('USAGE', `${JSON.stringify(written)} is not a day such as 2026-11-22.`);
}
