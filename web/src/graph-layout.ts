/** A place for each step of a DAG: columns by longest path, rows near what they need. */
export interface GraphPlace {
  readonly id: string;
  readonly column: number;
  readonly row: number;
}

interface Vertex {
  readonly id: string;
  readonly needs: readonly string[];
}

/** Each step stands right of all that it needs. Unknown needs are passed over. */
export function layoutGraph(steps: readonly Vertex[]): readonly GraphPlace[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const column = new Map<string, number>();
  const columnOf = (step: Vertex): number => {
    const known = column.get(step.id);
    if (known !== undefined) return known;
    // A cycle cannot come from the daemon; this keeps a broken document from hanging the page.
    column.set(step.id, 0);
    const before = step.needs.flatMap((id) => byId.get(id) ?? []).map(columnOf);
    const own = before.length === 0 ? 0 : Math.max(...before) + 1;
    column.set(step.id, own);
    return own;
  };
  for (const step of steps) columnOf(step);

  const columns = Map.groupBy(steps, (step) => column.get(step.id)!);
  const row = new Map<string, number>();
  for (const at of [...columns.keys()].sort((a, b) => a - b)) {
    const wanted = (step: Vertex): number => {
      const rows = step.needs.flatMap((id) => row.get(id) ?? []);
      return rows.length === 0 ? 0 : rows.reduce((sum, r) => sum + r, 0) / rows.length;
    };
    columns
      .get(at)!
      .map((step, i) => ({ step, i, wanted: wanted(step) }))
      .sort((a, b) => a.wanted - b.wanted || a.i - b.i)
      .forEach(({ step }, i) => {
        row.set(step.id, i);
      });
  }
  return steps.map(({ id }) => ({ id, column: column.get(id)!, row: row.get(id)! }));
}
