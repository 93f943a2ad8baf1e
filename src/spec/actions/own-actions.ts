import { z } from 'zod';
import type { Written } from '../document-tree.ts';
import { findWritten } from '../document-tree.ts';
import { ARGUMENT_BYTES_MAX, either, oneOf, plainValue, text } from '../fields.ts';
import type { Problem } from '../issue.ts';
import { shown } from '../quantities.ts';
import type { Action, Given } from './define-action.ts';
import { builtInActions } from './registry.ts';

const ACTIONS_MAX = 256;
const ARGUMENTS_MAX = 64;

const argument = z.strictObject({
  type: oneOf(['text', 'number', 'boolean', 'list', 'map'], {
    description: 'What it takes.',
    default: 'text',
  }).optional(),
  required: z.boolean().meta({ description: 'It must be given.', default: false }).optional(),
  default: z.unknown().meta({ description: 'Its value when it is not given.' }).optional(),
  description: text({ description: 'What it means.', max: 1024 }).optional(),
});
type ArgumentBlock = z.output<typeof argument>;

const ownAction = z.strictObject({
  description: text({ description: 'What it does.', max: 1024 }).optional(),
  run: either(
    text({ description: 'A script for /bin/sh.', max: ARGUMENT_BYTES_MAX, filled: true }),
    z
      .array(plainValue({ max: ARGUMENT_BYTES_MAX }))
      .min(1)
      .max(10_000)
      .meta({ description: 'A program and its arguments.' }),
    'text for /bin/sh, or a list of a program and its arguments',
    {
      description:
        'What it runs; its arguments are in the environment: `url` in WITH_URL, lists and maps as JSON. What it writes to the file in BERTH_OUTPUT, as NAME=VALUE lines, are its outputs.',
    },
  ),
  with: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, { error: 'letters, digits and _' }),
      argument.meta({ description: 'An argument.' }),
    )
    .refine((all) => Object.keys(all).length <= ARGUMENTS_MAX, {
      error: `at most ${ARGUMENTS_MAX} arguments`,
    })
    .meta({ description: 'Its arguments, by name.' })
    .optional(),
  cacheable: z
    .boolean()
    .meta({ description: 'The same arguments give the same result.', default: false })
    .optional(),
});
type OwnBlock = z.output<typeof ownAction>;

/** `actions`: those of the document itself, or of a file that it includes. */
export const actionsSchema = z
  .record(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/, {
      error: 'letters, digits, _ . and -, beginning with a letter',
    }),
    ownAction.meta({ description: 'An action.' }),
  )
  .refine((all) => Object.keys(all).length <= ACTIONS_MAX, {
    error: `at most ${ACTIONS_MAX} actions`,
  })
  .meta({ description: 'Actions of your own, by name: `action: NAME` in a step.' });

/** All actions that a document may name. */
export function actionsOf(root: Written, problems: Problem[]): readonly Action[] {
  const written = findWritten(root, ['actions']);
  if (written?.children === undefined || Array.isArray(written.value)) return builtInActions;
  const own: Action[] = [];
  for (const [key, { value }] of written.children) {
    const name = String(key);
    if (builtInActions.some((action) => action.name === name)) {
      const message = `${shown(name)} is the name of an action of Berth`;
      problems.push({ path: ['actions', name], message, at: 'key' });
    }
    // What is wrong with it is told with the whole document.
    const parsed = ownAction.safeParse(value);
    if (!parsed.success) continue;
    own.push(defineOwnAction(name, parsed.data));
    for (const [key, one] of Object.entries(parsed.data.with ?? {})) {
      const type = one.type ?? 'text';
      if (one.default === undefined || types[type].safeParse(one.default).success) continue;
      const path = ['actions', name, 'with', key, 'default'];
      problems.push({ path, message: `the default is no ${type}`, expected: type });
    }
  }
  return [...builtInActions, ...own];
}

const types = {
  text: z.string(),
  number: z.number(),
  boolean: z.boolean(),
  list: z.array(z.unknown()),
  map: z.record(z.string(), z.unknown()),
} as const;

function defineOwnAction(name: string, block: OwnBlock): Action {
  const known = block.with ?? {};
  const shape = Object.fromEntries(
    Object.entries(known).map(([key, one]) => {
      const schema = types[one.type ?? 'text'].meta({ description: one.description ?? key });
      return [key, one.required === true ? schema : schema.optional()];
    }),
  );
  return {
    name,
    meaning: block.description ?? '',
    arguments: z.strictObject(shape),
    codeKeys: [],
    repeats: block.cacheable === true ? 'always' : 'never',
    isOwn: true,
    takesHoles: true,
    limits: {},
    files: () => [],
    command: (given) => ({
      run:
        typeof block.run === 'string'
          ? { kind: 'shell', script: block.run }
          : { kind: 'argv', argv: block.run.map(String) },
      env: environment(known, given),
    }),
    missing: () => undefined,
  };
}

function environment(
  known: Readonly<Record<string, ArgumentBlock>>,
  given: Given,
): Record<string, string> {
  const all = Object.keys(known).map((key) => [key, given[key] ?? known[key]?.default] as const);
  return Object.fromEntries(
    all
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [
        `WITH_${key.toUpperCase()}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
  );
}
