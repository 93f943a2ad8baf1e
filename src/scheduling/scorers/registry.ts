import { bestFit } from './best-fit.ts';
import { dotProduct } from './dot-product.ts';
import { fgd } from './fgd.ts';
import { fillPlan } from './fill-plan.ts';
import { firstFit } from './first-fit.ts';
import { gpuBestFit } from './gpu-best-fit.ts';
import { gpuClustering } from './gpu-clustering.ts';
import { gpuPacking } from './gpu-packing.ts';
import { worstFit } from './worst-fit.ts';

/** Every scorer. Adding one = its file + one line here. */
export const scorers = [
  firstFit,
  bestFit,
  worstFit,
  dotProduct,
  gpuClustering,
  gpuPacking,
  gpuBestFit,
  fgd,
  fillPlan,
] as const;
export type ScorerName = (typeof scorers)[number]['name'];
