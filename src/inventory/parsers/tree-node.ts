/** What both forms of a driver's report (XML and indented text) are read into. */
export interface TreeNode {
  readonly name: string;
  /** Only XML has them. */
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
  readonly children: TreeNode[];
  /** False when the source ended inside this node: what it has is a part of what it had. */
  complete: boolean;
}

export function treeNode(name: string, text = ''): TreeNode {
  return { name, attributes: {}, text, children: [], complete: true };
}

export function childrenOf(node: TreeNode | undefined, name: string): readonly TreeNode[] {
  return node?.children.filter((child) => child.name === name) ?? [];
}

/** The first node at `a/b/c` below `node`. */
export function nodeAt(node: TreeNode | undefined, path: string): TreeNode | undefined {
  let at = node;
  for (const name of path.split('/')) at = at?.children.find((child) => child.name === name);
  return at;
}

/** The text of the first of these paths that has a text of its own. */
export function textAt(node: TreeNode | undefined, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const found = nodeAt(node, path);
    if (found !== undefined && found.children.length === 0) return found.text;
  }
  return undefined;
}
