/** `0-3,8` as the kernel writes lists of CPUs and NUMA nodes (cpuset(7), "List format"). */
export function printNumberList(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const ranges: string[] = [];
  for (let i = 0; i < sorted.length; i++) {
    const first = sorted[i]!;
    let last = first;
    while (sorted[i + 1] === last + 1) last = sorted[++i]!;
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return ranges.join(',');
}

/** Undefined where the text is no such list. */
export function parseNumberList(text: string): readonly number[] | undefined {
  const numbers: number[] = [];
  for (const part of text.trim().split(',')) {
    if (part === '') continue;
    const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (found === null) return undefined;
    const first = Number(found[1]);
    const last = Number(found[2] ?? first);
    for (let n = first; n <= last; n++) numbers.push(n);
  }
  return numbers;
}
