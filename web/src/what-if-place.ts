import type { WhatIfRequest } from '../../src/api/contract/what-if-documents.ts';
import { quoted } from './shell-words.ts';

/** One thing that is to be different, as the command line has it after its flag. */
export interface WhatIfChange {
  readonly kind: WhatIfKind;
  readonly text: string;
}

/** What is asked, as the address of the page says it. */
export interface WhatIfPlace {
  readonly changes: readonly WhatIfChange[];
  /** So much of the past is replayed; undefined: what comes. */
  readonly window: WhatIfWindow | undefined;
}

export const whatIfKinds = ['set', 'policy', 'add', 'lose', 'cancel'] as const;
export type WhatIfKind = (typeof whatIfKinds)[number];

export const whatIfWindows = ['24h', '7d'] as const;
export type WhatIfWindow = (typeof whatIfWindows)[number];

/** As many of one kind as the route takes. */
const CHANGES_MAX = 32;

const flags: Readonly<Record<WhatIfKind, string>> = {
  set: '--set',
  policy: '--policy',
  add: '--add-node',
  lose: '--lose-node',
  cancel: '--cancel',
};

/** Blocks of the site file that are looked at. */
const looked = /^(scheduling|queues|multi_tenancy|quotas|budgets|reservations|qos)(?=[.[]|$)/;

export const isLookedAt = (setting: string): boolean => looked.test(setting);

/** Of `#/what-if?set=KEY=VALUE&lose=NODE&window=7d`; what means nothing is as if it were not there. */
export function whatIfPlace(asked: URLSearchParams): WhatIfPlace {
  const changes = whatIfKinds.flatMap((kind) =>
    asked.getAll(kind).map((text): WhatIfChange => ({ kind, text })),
  );
  return {
    changes: changes.reduce(withChange, []),
    window: whatIfWindows.find((one) => one === asked.get('window')),
  };
}

/** There is one policy, one value of a key, and each node is lost once. */
export function withChange(
  changes: readonly WhatIfChange[],
  change: WhatIfChange,
): readonly WhatIfChange[] {
  const text = change.text.trim();
  if (text === '') return changes;
  const next = { kind: change.kind, text };
  const key = keyOf(next);
  const others = changes.filter((one) => keyOf(one) !== key);
  if (others.filter(({ kind }) => kind === next.kind).length >= CHANGES_MAX) return changes;
  return [...others, next];
}

function keyOf({ kind, text }: WhatIfChange): string {
  if (kind === 'policy') return kind;
  if (kind === 'set') return `${kind} ${text.split('=', 1)[0]!.trim()}`;
  return `${kind} ${text}`;
}

export function whatIfHref({ changes, window }: WhatIfPlace): string {
  const query = new URLSearchParams(
    changes.map(({ kind, text }): [string, string] => [kind, text]),
  );
  if (window !== undefined) query.set('window', window);
  const text = query.toString();
  return text === '' ? '#/what-if' : `#/what-if?${text}`;
}

/** Nothing to ask: of a past, replaying it as it was is something. */
export const isEmpty = ({ changes, window }: WhatIfPlace): boolean =>
  changes.length === 0 && window === undefined;

export function whatIfRequest({ changes, window }: WhatIfPlace): WhatIfRequest {
  const of = (kind: WhatIfKind): string[] =>
    changes.filter((one) => one.kind === kind).map(({ text }) => text);
  const [policy] = of('policy');
  return {
    set: of('set'),
    add_nodes: of('add'),
    lose_nodes: of('lose'),
    cancel: of('cancel'),
    submit: [],
    ...(policy !== undefined && { policy }),
    ...(window !== undefined && { window }),
  };
}

/** As a shell takes it. */
export function whatIfCommand({ changes, window }: WhatIfPlace): string {
  const said = changes.map(({ kind, text }) => `${flags[kind]} ${quoted(text)}`);
  const past = window === undefined ? [] : [`--window ${window}`];
  return ['berth whatif', ...said, ...past].join(' ');
}

/** What the list of changes says. */
export function changeWords({ kind, text }: WhatIfChange): string {
  switch (kind) {
    case 'set': {
      const at = text.indexOf('=');
      if (at < 1) return `set ${text}`;
      const [key, value] = [text.slice(0, at), text.slice(at + 1)];
      return value === '' ? `${key} not set` : `${key} is ${value}`;
    }
    case 'policy':
      return `policy ${text}`;
    case 'add':
      return addWords(text);
    case 'lose':
      return `without node ${text}`;
    case 'cancel':
      return `without job ${text}`;
  }
}

function addWords(text: string): string {
  const like = /^like=([^,]+)(?:,count=(\d+))?$/.exec(text);
  if (like === null) return `a node more: ${text}`;
  const count = Number(like[2] ?? 1);
  return `${count} ${count === 1 ? 'node' : 'nodes'} more like ${like[1]}`;
}

/** Parts of the name of a policy; several are joined by `+`. */
export const policySuggestions = [
  'fcfs',
  'easy',
  'easy-sjbf',
  'conservative',
  'greedy',
  'optimal',
  'balanced',
  'priority_based',
  'fair_share',
  'adaptive',
  'ml_based',
  'fifo',
  'priority',
  'fair-share',
  'multifactor',
  'drf',
  'weighted-drf',
  'edf',
  'lottery',
  'stride',
  'las',
  'sjf',
  'largest-first',
  'first-fit',
  'best-fit',
  'worst-fit',
  'dot-product',
  'gpu-clustering',
  'gpu-packing',
  'gpu-best-fit',
  'fgd',
  'fill-plan',
  'tetris',
  'l2-norm',
  'spread',
  'preferred',
  'rack-nearness',
  'zone-nearness',
  'numa-nearness',
  'nvlink-nearness',
  'power',
  'price',
  'co-location',
  'learned',
] as const;
