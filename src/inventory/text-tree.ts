/** A line of text with lines below it. */
export interface TextTree {
  readonly text: string;
  readonly children: readonly TextTree[];
}

export const line = (text: string, children: readonly TextTree[] = []): TextTree => ({
  text,
  children,
});

/** A tree drawn with box characters; the root has none. What came from files cannot move the cursor. */
export function drawTree(root: TextTree): string {
  const lines: string[] = [];
  const draw = (tree: TextTree, first: string, rest: string) => {
    lines.push(first + printable(tree.text));
    for (const [i, child] of tree.children.entries()) {
      const isLast = i === tree.children.length - 1;
      draw(child, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`);
    }
  };
  draw(root, '', '');
  return `${lines.join('\n')}\n`;
}

/** Control characters, and those that reorder text, as a replacement character. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '\ufffd');
