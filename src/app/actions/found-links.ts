export interface FoundLink {
  readonly title: string;
  readonly url: string;
}

const TITLE_MAX = 200;
const URL_MAX = 1024;

/** The links of a page of results: of JSON its entries with an address, of HTML its links to other places. */
export function foundLinks(body: string, page: string, max: number): FoundLink[] {
  const json = asJson(body);
  const candidates = json === undefined ? linksOfHtml(body) : linksOfJson(json);
  const found = new Map<string, FoundLink>();
  for (const { title, url } of candidates) {
    if (found.size >= max) break;
    if (!URL.canParse(url, page)) continue;
    const absolute = new URL(url, page);
    absolute.hash = '';
    const { href, protocol } = absolute;
    if ((protocol !== 'http:' && protocol !== 'https:') || href.length > URL_MAX) continue;
    if (href === page || found.has(href)) continue;
    found.set(href, { title: title.slice(0, TITLE_MAX).toWellFormed(), url: href });
  }
  return [...found.values()];
}

function asJson(body: string): unknown {
  if (!/^\s*[[{]/.test(body)) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function linksOfJson(value: unknown): FoundLink[] {
  const list = Array.isArray(value) ? value : listWithin(value);
  return list.flatMap((entry) => {
    const url = textAt(entry, ['url', 'link', 'href']);
    return url === undefined ? [] : [{ url, title: textAt(entry, ['title', 'name']) ?? '' }];
  });
}

function listWithin(value: unknown): unknown[] {
  for (const key of ['results', 'items', 'hits']) {
    const list = at(value, key);
    if (Array.isArray(list)) return list;
  }
  return [];
}

const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, key)?.value
    : undefined;

function textAt(entry: unknown, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = at(entry, key);
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

function linksOfHtml(html: string): FoundLink[] {
  const links = html.matchAll(
    /<a\s[^>]{0,2000}?href\s*=\s*(?:"([^"]{1,2000})"|'([^']{1,2000})')[^>]{0,2000}>([\s\S]{0,2000}?)<\/a>/gi,
  );
  return [...links].map(([, double, single, inside = '']) => ({
    url: decoded(double ?? single ?? ''),
    title: decoded(inside.replace(/<[^>]*>/g, ' '))
      .replace(/\s+/g, ' ')
      .trim(),
  }));
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: ' ',
};

const decoded = (text: string): string =>
  text.replace(/&(#?\w{1,8});/g, (whole, name: string) => entities[name] ?? whole);
