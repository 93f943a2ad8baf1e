import type { Node } from './node.ts';
import type { GpuSharingRule } from './scheduling-config.ts';

/** The node with the rules of its site for its devices. An instance of MIG is one task's: no rule is for it. */
export function withSharing(node: Node, rules: readonly GpuSharingRule[] = []): Node {
  if (rules.length === 0) return node;
  const gpus = node.gpus.map((gpu) => {
    if (gpu.mig !== undefined) return gpu;
    const rule = rules.find(({ models }) => models.length === 0 || models.includes(gpu.model));
    return rule === undefined ? gpu : { ...gpu, sharing: rule.sharing };
  });
  return { ...node, gpus };
}
