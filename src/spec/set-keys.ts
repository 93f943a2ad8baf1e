import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { shown } from './quantities.ts';

/** `KEY=VALUE`, as it was written: a key of a site document below its blocks, and YAML for what it is set to. */
export interface KeySetting {
  readonly key: string;
  readonly value: string;
}

export type SetKeys =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly setting: KeySetting; readonly problem: string };

type Step = string | number;

const OPTIONS = { schema: 'core', logLevel: 'error' } as const;

/** `queues.train.weight=3` → its parts; undefined where there is no `=`, or nothing before it. */
export function parseSetting(text: string): KeySetting | undefined {
  const at = text.indexOf('=');
  return at < 1 ? undefined : { key: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

/**
 * The text of a site document with keys set. Parts of a key are joined by `.`; one that has a `.` itself stands in
 * brackets: `quotas[GPU-hours of ada].gpu_hours`. Of a list an item is named by its `name`, or by its place, from 0.
 * Nothing after `=` takes the key away.
 */
export function setKeys(text: string, settings: readonly KeySetting[]): SetKeys {
  const document = parseDocument(text.trim() === '' ? '{}' : text, OPTIONS);
  if (document.contents !== null && isMap(document.contents)) document.contents.flow = false;
  for (const setting of settings) {
    const problem = setOne(document, setting);
    if (problem !== undefined) return { ok: false, setting, problem };
  }
  return { ok: true, text: document.toString({ lineWidth: 0 }) };
}

function setOne(document: Document, { key, value }: KeySetting): string | undefined {
  const parts = partsOf(key);
  if (parts === undefined) return `${shown(key)} is not a key such as queues.train.weight`;
  const found = pathOf(document, parts);
  if ('problem' in found) return found.problem;
  if (value === '') {
    return document.deleteIn(found.path)
      ? undefined
      : `${shown(key)} is not set, so it cannot be taken away`;
  }
  const written = parseDocument(value, OPTIONS);
  if (written.errors.length > 0) return `${shown(value)} is not a value in YAML`;
  document.setIn(found.path, written.contents);
  return undefined;
}

function partsOf(key: string): string[] | undefined {
  const parts: string[] = [];
  const part = /(?:^|\.)([^.[\]]+)|\[([^\]]+)\]/y;
  while (part.lastIndex < key.length) {
    const match = part.exec(key);
    if (match === null) return undefined;
    parts.push((match[1] ?? match[2]!).trim());
  }
  return parts.length === 0 || parts.includes('') ? undefined : parts;
}

/** Items of lists are looked for by name; what is not there yet is made, but for lists. */
function pathOf(
  document: Document,
  parts: readonly string[],
): { readonly path: Step[] } | { readonly problem: string } {
  const path: Step[] = [];
  for (const [i, part] of parts.entries()) {
    const above = path.length === 0 ? document.contents : document.getIn(path, true);
    const where = parts.slice(0, i).join('.');
    if (isSeq(above)) {
      const index = indexOf(above, part);
      if (index === undefined) {
        return { problem: `${where} has no item ${shown(part)}: it has ${namesOf(above)}` };
      }
      path.push(index);
    } else if (above === undefined || above === null || isMap(above) || isNothing(above)) {
      if (above !== undefined && above !== null && !isMap(above))
        document.setIn(path, document.createNode({}));
      path.push(part);
    } else return { problem: `${where} is a single value: it has no key ${shown(part)}` };
  }
  return { path };
}

const isNothing = (node: unknown): boolean => Object(node).value === null;

function indexOf({ items }: YAMLSeq, part: string): number | undefined {
  const named = items.findIndex((item) => isMap(item) && nameOf(item) === part);
  if (named >= 0) return named;
  return /^\d{1,6}$/.test(part) && Number(part) < items.length ? Number(part) : undefined;
}

const nameOf = (item: YAMLMap): string => String(item.get('name') ?? '');

function namesOf({ items }: YAMLSeq): string {
  const names = items.map((item, i) => (isMap(item) && nameOf(item)) || String(i));
  return names.length === 0 ? 'none' : names.slice(0, 10).join(', ');
}
