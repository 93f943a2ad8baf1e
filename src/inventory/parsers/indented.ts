import { type TreeNode, treeNode } from './tree-node.ts';

const LINES_MAX = 100_000;
const DEPTH_MAX = 64;

/**
 * The indented text that `nvidia-smi -q` and dmidecode-like tools print: `Key : value` lines, and
 * lines without a value that head what is indented below them. A last line without its line end
 * was cut off and is left out.
 */
export function parseIndented(text: string): TreeNode {
  const root = treeNode('');
  const open: { indent: number; node: TreeNode }[] = [{ indent: -1, node: root }];
  const lines = text.split('\n', LINES_MAX);
  if (lines.length < LINES_MAX) lines.pop();
  for (const raw of lines) {
    const line = raw.replace(/\r$/, '');
    const content = line.trim();
    if (content === '' || /^=+[^=]*=+$/.test(content)) continue;
    const indent = line.length - line.trimStart().length;
    while (open.length > 1 && open.at(-1)!.indent >= indent) open.pop();
    const split = /^(.*?\S)\s+:(?:\s(.*))?$/.exec(content);
    const node = split === null ? treeNode(content) : treeNode(split[1]!, (split[2] ?? '').trim());
    open.at(-1)!.node.children.push(node);
    if (open.length < DEPTH_MAX) open.push({ indent, node });
  }
  return root;
}
