import { gpuKind } from './gpu-kind.ts';
import { nodeLabels } from './node-labels.ts';

/** Every filter. Adding one = its file + one line here; the cheapest first. */
export const filters = [nodeLabels, gpuKind] as const;
export type FilterName = (typeof filters)[number]['name'];
