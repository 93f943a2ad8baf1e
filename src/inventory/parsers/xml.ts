import type { TreeNode } from './tree-node.ts';

/** Far above what any tool writes (telegraf's largest has 3,000 elements); keeps hostile input cheap. */
const NODES_MAX = 200_000;
const DEPTH_MAX = 64;

export interface XmlOutcome {
  /** What was read up to the problem; an element that was not closed has no text. */
  readonly root: TreeNode | undefined;
  readonly problem: string | undefined;
}

/**
 * The part of XML 1.0 that tools write: elements, attributes, text, CDATA, comments and the five
 * named entities. A DOCTYPE is skipped and defines nothing, so that no entity can expand.
 */
export function parseXml(text: string): XmlOutcome {
  const open: TreeNode[] = [];
  let root: TreeNode | undefined;
  let nodes = 0;
  let at = 0;
  const stop = (problem: string): XmlOutcome => {
    for (const node of open) {
      node.text = '';
      node.complete = false;
    }
    return { root, problem };
  };
  while (at < text.length) {
    const start = text.indexOf('<', at);
    const parent = open.at(-1);
    if (parent !== undefined) parent.text += decode(text.slice(at, start < 0 ? undefined : start));
    if (start < 0) break;
    const skipped = skip(text, start);
    if (skipped !== undefined) {
      if (skipped.end < 0) return stop('the text ends inside a comment or declaration');
      if (parent !== undefined) parent.text += skipped.content;
      at = skipped.end;
      continue;
    }
    const end = text.indexOf('>', start);
    if (end < 0) return stop('the text ends inside a tag');
    at = end + 1;
    const tag = text.slice(start + 1, end);
    if (tag.startsWith('/')) {
      if (parent === undefined || parent.name !== tag.slice(1).trim()) {
        return stop(`</${tag.slice(1, 40)}> closes nothing that is open`);
      }
      parent.text = parent.text.trim();
      open.pop();
      if (open.length === 0) return { root, problem: undefined };
      continue;
    }
    const empty = tag.endsWith('/');
    const node = element(empty ? tag.slice(0, -1) : tag);
    if (node === undefined) return stop(`<${tag.slice(0, 40)}> is no tag`);
    if (++nodes > NODES_MAX || open.length >= DEPTH_MAX)
      return stop('too many or too deep elements');
    if (parent === undefined) root = node;
    else parent.children.push(node);
    if (!empty) open.push(node);
    else if (parent === undefined) return { root, problem: undefined };
  }
  return stop(root === undefined ? 'no element' : `<${open.at(-1)?.name ?? ''}> is not closed`);
}

/** Past a comment, CDATA, declaration or DOCTYPE that starts here; `end` is −1 when it does not end. */
function skip(text: string, start: number): { end: number; content: string } | undefined {
  const past = (closing: string) => {
    const found = text.indexOf(closing, start);
    return found < 0 ? -1 : found + closing.length;
  };
  if (text.startsWith('<!--', start)) return { end: past('-->'), content: '' };
  if (text.startsWith('<![CDATA[', start)) {
    const end = past(']]>');
    return { end, content: end < 0 ? '' : text.slice(start + 9, end - 3) };
  }
  if (text.startsWith('<?', start)) return { end: past('?>'), content: '' };
  if (!text.startsWith('<!', start)) return undefined;
  const close = text.indexOf('>', start);
  const hasSubset = close >= 0 && text.slice(start, close).includes('[');
  return { end: hasSubset ? past(']>') : close < 0 ? -1 : close + 1, content: '' };
}

function element(tag: string): TreeNode | undefined {
  const name = /^[A-Za-z_][\w.:-]{0,99}/.exec(tag)?.[0];
  if (name === undefined) return undefined;
  const attributes: Record<string, string> = Object.create(null);
  for (const [, key, quoted, single] of tag
    .slice(name.length, 2000)
    .matchAll(/([A-Za-z_][\w.:-]{0,99})\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    attributes[key!] = decode(quoted ?? single ?? '');
  }
  return { name, attributes, text: '', children: [], complete: true };
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

function decode(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{1,8});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
