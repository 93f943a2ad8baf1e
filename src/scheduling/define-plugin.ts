import { z } from 'zod';
import { filters } from './filters/registry.ts';
import { orders } from './orders/registry.ts';
import type { FilterPlugin, OrderPlugin, ScorerPlugin } from './plugin.ts';
import { scorers } from './scorers/registry.ts';

/** The default export of a plug-in file is one of these, or a plain object of the same form. */
export function defineScorer(scorer: ScorerPlugin): ScorerPlugin {
  return Object.freeze(scorer);
}

export function defineFilter(filter: FilterPlugin): FilterPlugin {
  return Object.freeze(filter);
}

export function defineOrder(order: OrderPlugin): OrderPlugin {
  return Object.freeze(order);
}

export type Plugin =
  | { readonly kind: 'scorer'; readonly plugin: ScorerPlugin }
  | { readonly kind: 'filter'; readonly plugin: FilterPlugin }
  | { readonly kind: 'order'; readonly plugin: OrderPlugin };

const NAME = /^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/;
const NAME_MAX = 64;

/** By the function that only one kind has. */
const kindOf = { score: 'scorer', passes: 'filter', rule: 'order' } as const;
type Member = keyof typeof kindOf;
const members = Object.keys(kindOf) as Member[];

const builtIn = {
  scorer: scorers.map(({ name }) => name as string),
  filter: filters.map(({ name }) => name as string),
  order: orders.map(({ name }) => name as string),
};

const named = {
  name: z
    .string({ error: 'name: a word is needed' })
    .max(NAME_MAX, { error: `name: at most ${NAME_MAX} characters` })
    .regex(NAME, { error: 'name: small letters and digits, parted by - or _' }),
  what: z
    .string({ error: 'what: one sentence is needed, for the documentation' })
    .min(1, { error: 'what: one sentence is needed, for the documentation' })
    .max(500, { error: 'what: at most 500 characters' }),
  kind: z
    .enum(['scorer', 'filter', 'order'], { error: 'kind: scorer, filter or order' })
    .optional(),
};
const aFunction = z.custom<(...asked: never[]) => unknown>((value) => typeof value === 'function');
const forms = {
  scorer: z.strictObject({ ...named, score: aFunction }),
  filter: z.strictObject({ ...named, passes: aFunction }),
  order: z.strictObject({ ...named, rule: aFunction }),
};

/** What a plug-in file exports by default, checked; otherwise what is wrong, as one sentence each. */
export function readPlugin(
  exported: unknown,
):
  | { readonly ok: true; readonly value: Plugin }
  | { readonly ok: false; readonly problems: readonly string[] } {
  if (typeof exported !== 'object' || exported === null) {
    return wrong('its default export is no object with `score`, `passes` or `rule`');
  }
  const found = members.filter((member) => typeof Reflect.get(exported, member) === 'function');
  const [member] = found;
  if (member === undefined) {
    return wrong('its default export has no function `score`, `passes` or `rule`');
  }
  if (found.length > 1) {
    return wrong(
      `it has ${found.map((one) => `\`${one}\``).join(' and ')}: one file is one plug-in`,
    );
  }
  const kind = kindOf[member];
  const parsed = forms[kind].safeParse(exported);
  if (!parsed.success)
    return wrong(...parsed.error.issues.map((issue) => issueSentence(issue, kind)));
  const { name, kind: said = kind } = parsed.data;
  if (said !== kind) return wrong(`kind: it says ${said}, and \`${member}\` makes it a ${kind}`);
  if (builtIn[kind].includes(name)) {
    return wrong(`name: ${name} is a built-in ${kind}; choose another`);
  }
  // The form was checked; what its functions answer is checked whenever they are asked.
  return { ok: true, value: { kind, plugin: exported } as Plugin };
}

function issueSentence(issue: z.core.$ZodIssue, kind: string): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  return `${issue.keys.join(', ')}: a ${kind} of a site has name, what and its function, and nothing else`;
}

const wrong = (...problems: string[]) => ({ ok: false, problems }) as const;
