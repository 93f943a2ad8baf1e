import type { TimeMs } from '../base/units.ts';
import { attemptId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import { isSpot } from '../model/spot.ts';
import type { Choice } from '../scheduling/scheduler.ts';
import { attemptsOf, type TaskRecord } from './records.ts';
import type { State } from './state.ts';

/** The next attempt of the task, with all that it holds of the node on which it was given these devices. */
export function placedOn(
  { table, shapes, services, parts, money }: State,
  { task, row, gpus }: Choice<TaskRecord>,
  at: TimeMs,
): Event {
  const attempt = attemptId(task.id, attemptsOf(task) + 1);
  const node = table.node(row)!;
  const names = task.step.spec.service?.ports ?? [];
  const ports = services.ports.choose(node.id, names, attempt);
  const ask = shapes.ask(task.shape);
  const held = table.heldOn(row, ask, gpus);
  const cores = parts.cores.coresFor(node, task.step.spec, held);
  const notSpot =
    ask.constraints?.spot !== undefined && !isSpot(node)
      ? table.spot.refusedTo(ask, table)
      : undefined;
  const placement = {
    node: node.id,
    held,
    gpus,
    memoryLimit: task.memoryLimit,
    ...(ports && { ports }),
    ...(cores && { cores }),
    ...(notSpot && { notSpot }),
  };
  const reserved = money.reserveFor(task, placement, at);
  return { kind: 'task-placed', at, attempt, placement, ...(reserved && { reserved }) };
}
