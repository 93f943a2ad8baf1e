import { z } from 'zod';
import type { Run } from '../model/workload.ts';
import { ARGUMENT_BYTES_MAX, text } from './fields.ts';

/** A ready-made thing to run: what `with:` takes, and the command that it becomes. */
export interface Action {
  readonly name: string;
  readonly meaning: string;
  readonly arguments: z.ZodType;
  read(given: unknown): z.ZodSafeParseResult<Run>;
}

function defineAction<T extends z.ZodType>(definition: {
  readonly name: string;
  readonly meaning: string;
  readonly arguments: T;
  readonly run: (given: z.output<T>) => Run;
}): Action {
  const { name, meaning, run } = definition;
  const command = definition.arguments.transform(run);
  return {
    name,
    meaning,
    arguments: definition.arguments,
    read: (given) => command.safeParse(given),
  };
}

const line = (description: string) => text({ description, max: 4095, filled: true, oneLine: true });
const code = (description: string) => text({ description, max: ARGUMENT_BYTES_MAX, filled: true });

/** Adding an action: one entry here. */
export const actions: readonly Action[] = [
  defineAction({
    name: 'shell',
    meaning: 'Runs a script with /bin/sh.',
    arguments: z.strictObject({ script: code('The script.') }),
    run: ({ script }) => ({ kind: 'shell', script }),
  }),
  defineAction({
    name: 'python',
    meaning: 'Runs Python 3: `python3` must be found on the PATH of the task.',
    arguments: z
      .strictObject({
        code: code('The program as text.').optional(),
        file: line('The program as a file.').optional(),
        args: z
          .array(text({ description: 'An argument.', max: ARGUMENT_BYTES_MAX }))
          .max(10_000)
          .meta({ description: 'Arguments of the program.' })
          .optional(),
      })
      .refine((given) => (given.code === undefined) !== (given.file === undefined), {
        error: 'give either `code` or `file`',
      }),
    run: ({ code, file, args = [] }) => ({
      kind: 'argv',
      argv:
        code === undefined ? ['python3', file ?? '', ...args] : ['python3', '-c', code, ...args],
    }),
  }),
];

/** Names that documents of the vocabulary use; a later version gives them something to run. */
export const laterActions: readonly string[] = [
  'simple_process',
  'complex_analysis',
  'search_web',
  'analyze_with_ai',
  'process_data_shard',
];
