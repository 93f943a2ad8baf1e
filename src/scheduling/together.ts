import { assert } from '../base/assert.ts';
import type { GangPart } from './gang.ts';
import { plus, scaled } from './holds.ts';
import type { Candidate, Together } from './scheduler.ts';
import type { Shapes } from './shape.ts';

/** The largest first, of equals as they stand: who grew after an out-of-memory kill finds a seat hardest. */
export function bySize<T extends Candidate>(
  tasks: readonly T[],
  shapes: Shapes,
  sign: 1 | -1 = 1,
): readonly T[] {
  const [first] = tasks;
  if (tasks.every(({ shape }) => shape === first?.shape)) return tasks;
  const memory = ({ shape }: T): number => shapes.request(shape).memory;
  return tasks.toSorted((a, b) => sign * (memory(b) - memory(a)) || a.shape - b.shape);
}

/** Who starts first of a gang of which not all must: those that ask for least, of equals the first in the step. */
export function starters<T extends Candidate>(
  waiting: readonly T[],
  needed: number,
  shapes: Shapes,
): readonly T[] {
  return bySize(waiting, shapes, -1).slice(0, needed);
}

/** What tasks of one gang ask for that start at once; members may have grown apart. */
export function togetherOf<T extends Candidate>(tasks: readonly T[], shapes: Shapes): Together {
  const parts: (GangPart & { members: number })[] = [];
  for (const { shape } of bySize(tasks, shapes)) {
    const ask = shapes.ask(shape);
    const last = parts.at(-1);
    if (last?.ask === ask) last.members++;
    else parts.push({ ask, members: 1 });
  }
  const [largest, ...smaller] = parts;
  assert(largest !== undefined, 'somebody starts');
  const { ask, members } = largest;
  return {
    ask,
    members,
    ...(smaller.length > 0 ? { smaller } : {}),
    topology: tasks[0]!.gang?.topology,
    count: tasks.length,
    request: parts.map((part) => scaled(part.ask, part.members)).reduce(plus),
  };
}
