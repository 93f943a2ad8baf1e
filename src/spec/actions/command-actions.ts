import { z } from 'zod';
import { ARGUMENT_BYTES_MAX, plainValue, text } from '../fields.ts';
import { defineCommandAction } from './define-action.ts';

const line = (description: string) => text({ description, max: 4095, filled: true, oneLine: true });
const code = (description: string) => text({ description, max: ARGUMENT_BYTES_MAX, filled: true });
const argv = (description: string) =>
  z
    .array(plainValue({ max: ARGUMENT_BYTES_MAX }))
    .max(10_000)
    .meta({ description });

export const runAction = defineCommandAction({
  name: 'run',
  meaning: 'Runs a program with arguments, without a shell.',
  arguments: z.strictObject({
    program: line('The program: found on the PATH of the task, or a path.'),
    args: argv('Its arguments.').optional(),
  }),
  codeKeys: [],
  run: ({ program, args = [] }) => ({ kind: 'argv', argv: [program, ...args.map(String)] }),
});

export const shellAction = defineCommandAction({
  name: 'shell',
  meaning: 'Runs a script with /bin/sh.',
  arguments: z.strictObject({ script: code('The script.') }),
  codeKeys: ['script'],
  run: ({ script }) => ({ kind: 'shell', script }),
});

export const pythonAction = defineCommandAction({
  name: 'python',
  meaning: 'Runs Python 3: `python3` must be found on the PATH of the task.',
  arguments: z
    .strictObject({
      code: code('The program as text.').optional(),
      file: line('The program as a file.').optional(),
      args: argv('Arguments of the program.').optional(),
    })
    .refine((given) => (given.code === undefined) !== (given.file === undefined), {
      error: 'give either `code` or `file`',
    }),
  codeKeys: ['code'],
  run: ({ code: program, file, args = [] }) => ({
    kind: 'argv',
    argv: [
      'python3',
      ...(program === undefined ? [file ?? ''] : ['-c', program]),
      ...args.map(String),
    ],
  }),
});
