import { type NodeLossDocument, WHAT_IF_JOBS_MAX } from '../api/contract/what-if-documents.ts';
import { refusalSentence } from '../api/views/sentences.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { TenantId } from '../model/ids.ts';
import { type LostTask, nodeLossDrill } from '../simulation/drills/node-loss.ts';
import type { Question } from './what-if-question.ts';

/** The drill of a node, where its loss is all that is asked; of one tenant's tasks and jobs alone, when `only` says so. */
export function nodeLossOf(
  live: Engine,
  { changes, engine }: Pick<Question, 'changes' | 'engine'>,
  { at, only }: { readonly at: TimeMs; readonly only: TenantId | undefined },
): NodeLossDocument | null {
  const [change, ...others] = changes;
  if (change?.kind !== 'lose-node' || others.length > 0 || engine !== undefined) return null;
  const drill = nodeLossDrill(live, change.node, at);
  if (drill === undefined) return null;
  const isSeen = (tenant: TenantId | undefined): boolean => only === undefined || tenant === only;
  const lost = drill.lost.filter(({ tenant }) => isSeen(tenant));
  const isBack = lost.every(({ again }) => again !== undefined);
  return {
    node: drill.node,
    lost: lost.slice(0, WHAT_IF_JOBS_MAX).map((task) => lostDocument(task, at)),
    lost_total: lost.length,
    recovered_at: isBack ? Math.max(at, ...lost.map(({ again }) => again!.at)) : null,
    delayed: drill.delayed.filter(({ tenant }) => isSeen(tenant)).length,
    deadlines_missed: drill.deadlinesMissed.filter((id) => isSeen(live.state.workload(id)?.tenant)),
    services: drill.services
      .filter(({ workload }) => isSeen(live.state.workload(workload)?.tenant))
      .map(({ workload, name, replicasLost, replicasLeft, shortMs }) => ({
        id: workload,
        name,
        replicas_lost: replicasLost,
        replicas_left: replicasLeft,
        short_ms: shortMs ?? null,
      })),
  };
}

function lostDocument(
  { task, name, tenant, redoneMs, again, why }: LostTask,
  at: TimeMs,
): NodeLossDocument['lost'][number] {
  return {
    task,
    name,
    tenant,
    redone_ms: redoneMs,
    again_at: again?.at ?? null,
    again_on: again?.node ?? null,
    why: whyNot(why, at),
  };
}

function whyNot(why: LostTask['why'], at: TimeMs): string | null {
  if (why === undefined) return null;
  if (why === 'no-retry') return 'it has no retry left';
  return why === 'no-node' ? 'no other node is there' : refusalSentence(why, at);
}
