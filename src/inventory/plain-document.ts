import { type AnyFact, isFact } from './confidence.ts';
import { idsOf } from './cpu-set.ts';
import type { Source } from './fact.ts';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

const DEPTH_MAX = 24;

/**
 * Any value of a probe as plain JSON in snake case. A field that is a fact becomes its value, or null;
 * where it is from stands beside it: `source` is that of most fields of the object, `sources` those that
 * differ, `unknown` why the rest is null. Sets of ids become lists.
 */
export function plain(value: unknown, depth = 0): Json {
  if (depth > DEPTH_MAX || value === undefined || value === null) return null;
  switch (typeof value) {
    case 'bigint':
      return idsOf(value);
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'object':
      break;
    default:
      return null;
  }
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (isFact(value)) return value.known ? plain(value.value, depth + 1) : null;
  return plainObject(value, depth);
}

function plainObject(value: object, depth: number): { [key: string]: Json } {
  const document: { [key: string]: Json } = {};
  const facts: [string, AnyFact][] = [];
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    const key = snakeCase(name);
    document[key] = plain(inner, depth + 1);
    if (typeof inner === 'object' && inner !== null && isFact(inner)) facts.push([key, inner]);
  }
  return { ...document, ...provenance(facts) };
}

/** The `source`, `sources` and `unknown` of an object with these facts. */
export function provenance(facts: readonly (readonly [string, AnyFact])[]): {
  [key: string]: Json;
} {
  const sources = new Map<string, Source>();
  const unknown: { [key: string]: Json } = {};
  for (const [key, f] of facts) {
    if (f.known) sources.set(key, f.source);
    else unknown[key] = f.reason;
  }
  const counted = new Map<Source, number>();
  for (const source of sources.values()) counted.set(source, (counted.get(source) ?? 0) + 1);
  const main = [...counted].reduce<readonly [Source, number] | undefined>(
    (best, entry) => (best === undefined || entry[1] > best[1] ? entry : best),
    undefined,
  )?.[0];
  const differing = [...sources].filter(([, source]) => source !== main);
  return {
    ...(main === undefined ? {} : { source: main }),
    ...(differing.length === 0 ? {} : { sources: Object.fromEntries(differing) }),
    ...(Object.keys(unknown).length === 0 ? {} : { unknown }),
  };
}

/** `numaNode` → `numa_node`, `block-devices` → `block_devices`. */
export function snakeCase(name: string): string {
  return name.replace(/-/g, '_').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
