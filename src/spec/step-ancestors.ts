/** Steps by index, and what each needs. Asked only where expressions name steps. */
export class StepAncestors {
  readonly #needs: readonly (readonly number[])[];
  #rows: readonly Uint32Array[] | undefined;

  constructor(needs: readonly (readonly number[])[]) {
    this.#needs = needs;
  }

  /** Whether `step` needs `other`, directly or by others. False where steps need each other in a circle. */
  has(step: number, other: number): boolean {
    this.#rows ??= closure(this.#needs);
    return ((this.#rows[step]![other >>> 5]! >>> (other & 31)) & 1) === 1;
  }
}

/** One bit for each pair of steps: 10,000 steps take 12.5 MB, and one pass over their needs. */
function closure(needs: readonly (readonly number[])[]): Uint32Array[] {
  const words = (needs.length + 31) >>> 5;
  const rows = needs.map(() => new Uint32Array(words));
  const waiting = needs.map((list) => list.length);
  const dependents: number[][] = needs.map(() => []);
  needs.forEach((list, step) => {
    for (const need of list) dependents[need]!.push(step);
  });
  const ready = waiting.flatMap((count, step) => (count === 0 ? [step] : []));
  for (let at = 0; at < ready.length; at++) {
    const step = ready[at]!;
    const row = rows[step]!;
    for (const need of needs[step]!) {
      const other = rows[need]!;
      for (let word = 0; word < words; word++) row[word]! |= other[word]!;
      row[need >>> 5]! |= 1 << (need & 31);
    }
    for (const dependent of dependents[step]!) {
      if (--waiting[dependent]! === 0) ready.push(dependent);
    }
  }
  return rows;
}
