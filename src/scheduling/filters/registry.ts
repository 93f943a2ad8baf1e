import { affinity } from './affinity.ts';
import { antiAffinity } from './anti-affinity.ts';
import { dataLocality } from './data-locality.ts';
import { gpuKind } from './gpu-kind.ts';
import { nodeHealth } from './node-health.ts';
import { nodeLabels } from './node-labels.ts';
import { scratchSpace } from './scratch-space.ts';
import { taints } from './taints.ts';
import { topologySpread } from './topology-spread.ts';

/** Every filter. Adding one = its file + one line here; the cheapest first. */
export const filters = [
  nodeHealth,
  taints,
  nodeLabels,
  gpuKind,
  scratchSpace,
  dataLocality,
  affinity,
  antiAffinity,
  topologySpread,
] as const;
export type FilterName = (typeof filters)[number]['name'];
