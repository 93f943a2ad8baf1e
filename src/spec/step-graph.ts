import type { Path, Problem } from './issue.ts';
import { shown } from './quantities.ts';

/** Words offered as suggestions for a misspelt step; the edit distance to each is computed. */
const CANDIDATES_MAX = 1000;
const CYCLES_MAX = 20;
const CYCLE_NAMES_MAX = 10;

/** One edge as written: step `from` (by index) needs the step named `to`. */
interface Need {
  readonly to: string;
  readonly path: Path;
}

/**
 * Repeated ids, needs that name no step or the step itself, and cycles.
 * Takes the steps as written, so that these are found even when other parts of a step are wrong.
 */
export function stepGraphProblems(steps: readonly unknown[]): Problem[] {
  const problems: Problem[] = [];
  const indexOf = new Map<string, number>();
  steps.forEach((step, i) => {
    const id = field(step, 'id');
    if (typeof id !== 'string') return;
    const first = indexOf.get(id);
    if (first === undefined) indexOf.set(id, i);
    else
      problems.push({
        path: ['steps', i, 'id'],
        message: `the step id ${shown(id)} is used twice, first by steps[${first}]`,
      });
  });
  const words = [...indexOf.keys()].slice(0, CANDIDATES_MAX);
  const edges = steps.map((step, i) =>
    needsOf(step, i).flatMap((need) => {
      const target = indexOf.get(need.to);
      if (target === i)
        problems.push({ path: need.path, message: `the step ${shown(need.to)} needs itself` });
      else if (target === undefined) {
        const message = `no step has the id ${shown(need.to)}`;
        problems.push({ path: need.path, message, near: { word: need.to.slice(0, 64), words } });
      } else return [{ target, path: need.path }];
      return [];
    }),
  );
  const nameOf = (i: number): string => String(field(steps[i], 'id'));
  return [...problems, ...cycles(edges, nameOf)];
}

interface Edge {
  readonly target: number;
  readonly path: Path;
}

/** Depth-first search without recursion; each edge back into the open path closes one cycle. */
function cycles(edges: readonly (readonly Edge[])[], nameOf: (step: number) => string): Problem[] {
  const found: Problem[] = [];
  const state = new Uint8Array(edges.length);
  const nextEdge = new Uint32Array(edges.length);
  const OPEN = 1;
  const DONE = 2;
  for (let start = 0; start < edges.length && found.length < CYCLES_MAX; start++) {
    if (state[start] !== 0) continue;
    const path = [start];
    state[start] = OPEN;
    while (path.length > 0 && found.length < CYCLES_MAX) {
      const here = path[path.length - 1]!;
      const edge = edges[here]?.[nextEdge[here]!];
      nextEdge[here]!++;
      if (edge === undefined) {
        state[here] = DONE;
        path.pop();
      } else if (state[edge.target] === 0) {
        state[edge.target] = OPEN;
        path.push(edge.target);
      } else if (state[edge.target] === OPEN) {
        const names = path.slice(path.indexOf(edge.target)).map(nameOf);
        found.push({
          path: edge.path,
          message: `the steps need each other in a circle: ${circle(names)}`,
        });
      }
    }
  }
  return found;
}

/** `a → b → a`: each step needs the next. */
function circle(names: readonly string[]): string {
  const short =
    names.length > CYCLE_NAMES_MAX
      ? [...names.slice(0, CYCLE_NAMES_MAX - 1), `… ${names.length - CYCLE_NAMES_MAX + 1} more`]
      : names;
  return [...short, names[0]].join(' → ');
}

function needsOf(step: unknown, index: number): Need[] {
  const needs = field(step, 'needs');
  const path = ['steps', index, 'needs'];
  if (typeof needs === 'string') return [{ to: needs, path }];
  if (!Array.isArray(needs)) return [];
  return needs.flatMap((to: unknown, i) =>
    typeof to === 'string' ? [{ to, path: [...path, i] }] : [],
  );
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}
