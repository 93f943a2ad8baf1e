import type { State } from '../../engine/state.ts';
import type { NodeList } from '../contract/documents.ts';

/** What each node has to give, and what of it is held. */
export function nodeList(state: State): NodeList {
  const nodes: NodeList['nodes'] = [];
  for (let row = 0; row < state.table.rows; row++) {
    const node = state.table.node(row);
    if (node === undefined) continue;
    const gpus = node.gpus.map((gpu, i) => ({
      id: gpu.id,
      model: gpu.model,
      memory_bytes: gpu.memory,
      held_milli: state.table.gpuHeld(row, i),
    }));
    nodes.push({
      id: node.id,
      allocatable: {
        cpu_milli: node.cpu,
        memory_bytes: node.memory,
        gpu_milli: state.table.gpuCapacity(row),
        custom: Object.fromEntries(node.custom),
      },
      held: {
        cpu_milli: node.cpu - state.table.freeCpu(row),
        memory_bytes: node.memory - state.table.freeMemory(row),
        gpu_milli: gpus.reduce((sum, gpu) => sum + gpu.held_milli, 0),
        custom: Object.fromEntries(
          node.custom.map(([name, amount]) => [name, amount - state.table.freeCustom(row, name)]),
        ),
      },
      gpus,
      labels: { ...node.labels },
    });
  }
  return { nodes };
}
