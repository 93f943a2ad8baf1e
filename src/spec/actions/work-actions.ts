import { z } from 'zod';
import { ARGUMENT_BYTES_MAX, plainValue, text, wholeNumber } from '../fields.ts';
import { defineProgramAction } from './define-action.ts';

export const file = (description: string) =>
  text({ description, max: 4095, filled: true, oneLine: true });

export const simpleProcessArguments = z.strictObject({
  text: text({ description: 'What to look at.', max: ARGUMENT_BYTES_MAX }).optional(),
  file: file('A file to look at instead.').optional(),
});

export const simpleProcessAction = defineProgramAction({
  name: 'simple_process',
  meaning:
    'Counts lines, words and bytes of a text or file, and takes its SHA-256. Outputs: `lines`, `words`, `bytes`, `sha256`.',
  arguments: simpleProcessArguments,
  repeats: 'always',
  fileKeys: ['file'],
});

export const complexAnalysisArguments = z.strictObject({
  values: z.array(z.number()).max(10_000).meta({ description: 'Numbers.' }).optional(),
  file: file('A file of numbers, one a line, or a column of CSV.').optional(),
  column: plainValue({ max: 256 })
    .meta({ description: 'Of CSV: name of the column, or its number from 0.', default: 0 })
    .optional(),
  resamples: wholeNumber(0, 1_000_000, {
    description: 'The interval of the mean is made of so many samples of the values (bootstrap).',
    default: 1000,
  }).optional(),
  seed: wholeNumber(0, 2 ** 31, {
    description: 'The same seed gives the same interval.',
    default: 1,
  }).optional(),
});

export const complexAnalysisAction = defineProgramAction({
  name: 'complex_analysis',
  meaning:
    'Describes numbers; without any, 1,000 made from `seed`. Outputs: `count`, `mean`, `stdev`, `min`, `median`, `p95`, `max`, and `mean_low`, `mean_high`, within which 95 % of the resampled means lie.',
  arguments: complexAnalysisArguments,
  repeats: 'always',
  fileKeys: ['file'],
});

export const processDataShardArguments = z.strictObject({
  file: file('A file of lines.').optional(),
  shard: wholeNumber(0, 1_000_000, {
    description: 'Which part: lines whose number leaves this, divided by `of`.',
    default: 'BERTH_TASK_INDEX',
  }).optional(),
  of: wholeNumber(1, 1_000_000, {
    description: 'How many parts there are.',
    default: 'BERTH_TASK_COUNT',
  }).optional(),
  output: file('A file that the lines of this part are written to.').optional(),
});

export const processDataShardAction = defineProgramAction({
  name: 'process_data_shard',
  meaning:
    'Takes one part of the lines of a file, and counts them. Outputs: `shard`, `of`, `lines`, `bytes`, `sha256`.',
  arguments: processDataShardArguments,
  repeats: 'costly',
  fileKeys: ['file'],
  // A file that it writes is not kept, and of an item the key does not tell how many there are.
  isKept: ({ output, shard, of }, hasItems) =>
    output === undefined && (!hasItems || (shard !== undefined && of !== undefined)),
});
