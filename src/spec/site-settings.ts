import { type Format, findWritten, readTree, type Written } from './document-tree.ts';
import { LineIndex } from './locate-issues.ts';
import type { KeySchema } from './reference-table.ts';
import { siteJsonSchema } from './site-schema.ts';

/** One key of a site document: as it is written, or as it is when nobody writes it. */
export interface SiteSetting {
  /** `scheduling.placement`, `quotas[0].user`. */
  readonly key: string;
  /** As it is written; undefined where it is not. */
  readonly written: string | undefined;
  /** From 1, where it is written. */
  readonly line: number | undefined;
  /** What holds where it is not written; undefined: nothing does. */
  readonly initial: string | undefined;
  readonly meaning: string;
}

type Form = KeySchema & { readonly $ref?: string };

/** The schema of queues refers to itself. */
const LEVELS_MAX = 24;
const TEXT_MAX = 500;

/** More is nothing that a person reads: a document of hundreds of users. */
const SETTINGS_MAX = 10_000;

export interface SiteSettings {
  /** In the order of the reference; the keys of lists and of maps by name where they are written. */
  readonly settings: readonly SiteSetting[];
  /** Keys that are written and not here. */
  readonly leftOut: number;
}

/** Every key of a site document; without one, as they are when nothing is said. */
export function siteSettings(text: string | undefined, format: Format = 'yaml'): SiteSettings {
  const root = text === undefined ? undefined : readTree(text, format).root;
  const walk = new Walk(new LineIndex(text ?? ''));
  walk.below('', walk.schema, root, LEVELS_MAX);
  return { settings: walk.found, leftOut: walk.leftOut };
}

class Walk {
  readonly found: SiteSetting[] = [];
  leftOut = 0;
  readonly schema = siteJsonSchema() as Form & { readonly $defs: { readonly queue: Form } };
  readonly #lines: LineIndex;

  constructor(lines: LineIndex) {
    this.#lines = lines;
  }

  /** The keys of a map: those of its schema, then those that are only written. */
  below(key: string, form: Form, written: Written | undefined, levels: number): void {
    const forms = this.#forms(form);
    const known = forms.flatMap(({ properties }) => Object.keys(properties ?? {}));
    const own = isMap(written) ? [...written!.children!.keys()].map(String) : [];
    for (const name of new Set([...known, ...own])) {
      const child = forms
        .map(({ properties, additionalProperties: entry }) =>
          properties !== undefined && Object.hasOwn(properties, name)
            ? properties[name]
            : typeof entry === 'object'
              ? entry
              : undefined,
        )
        .find((one) => one !== undefined);
      const there = written && findWritten(written, [name]);
      // The same setting would stand there twice.
      if (there === undefined && child?.description?.startsWith('Another name of')) continue;
      this.#visit(key === '' ? name : `${key}.${name}`, child ?? {}, there, levels - 1);
    }
  }

  #visit(key: string, form: Form, written: Written | undefined, levels: number): void {
    const forms = this.#forms(form);
    const hasKeys = forms.some(({ properties }) => properties !== undefined);
    if (written === undefined ? !hasKeys || levels <= 0 : isLeaf(written)) {
      this.#tell(key, form, written);
      return;
    }
    if (Array.isArray(written?.value)) {
      const entry: Form = { anyOf: forms.flatMap(({ items }) => (items ? [items] : [])) };
      for (const [i, one] of written.children!) this.#visit(`${key}[${i}]`, entry, one, levels - 1);
      return;
    }
    this.below(key, form, written, levels);
  }

  #tell(key: string, form: Form, written: Written | undefined): void {
    if (this.found.length === SETTINGS_MAX) {
      if (written !== undefined) this.leftOut++;
      return;
    }
    const told = this.#forms(form);
    const initial = told.find((one) => one.default !== undefined)?.default;
    this.found.push({
      key,
      written: written && shorten(asWritten(written)),
      line: written && this.#lines.place(written.key ?? written.range).line,
      initial: initial === undefined ? undefined : String(initial),
      meaning: told.find((one) => one.description !== undefined)?.description ?? '',
    });
  }

  /** All that a value may be, the schema itself first. */
  #forms(form: Form): readonly Form[] {
    const { anyOf = [] } = form;
    const meant = form.$ref === undefined ? form : this.schema.$defs.queue;
    return [meant, ...anyOf.flatMap((one) => this.#forms(one))];
  }
}

const isMap = (written: Written | undefined): boolean =>
  written?.children !== undefined && !Array.isArray(written.value);

/** A scalar, a list of scalars, or something empty. */
function isLeaf({ children, value }: Written): boolean {
  if (children === undefined || children.size === 0) return true;
  return Array.isArray(value) && [...children.values()].every((one) => one.children === undefined);
}

function asWritten({ children, value }: Written): string {
  if (children === undefined) return String(value);
  return Array.isArray(value) ? `[${value.map(String).join(', ')}]` : '{}';
}

const shorten = (text: string): string =>
  text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
