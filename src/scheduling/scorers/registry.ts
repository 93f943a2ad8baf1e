import { adaptive } from './adaptive.ts';
import { bestFit } from './best-fit.ts';
import { coLocation } from './co-location.ts';
import { dotProduct } from './dot-product.ts';
import { fgd } from './fgd.ts';
import { fillPlan } from './fill-plan.ts';
import { firstFit } from './first-fit.ts';
import { gpuBestFit } from './gpu-best-fit.ts';
import { gpuClustering } from './gpu-clustering.ts';
import { gpuPacking } from './gpu-packing.ts';
import { l2Norm } from './l2-norm.ts';
import { learned } from './learned.ts';
import { numaNearness } from './numa-nearness.ts';
import { nvlinkNearness } from './nvlink-nearness.ts';
import { power } from './power.ts';
import { preferred } from './preferred.ts';
import { price } from './price.ts';
import { rackNearness } from './rack-nearness.ts';
import { spread } from './spread.ts';
import { tetris } from './tetris.ts';
import { worstFit } from './worst-fit.ts';
import { zoneNearness } from './zone-nearness.ts';

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
  tetris,
  l2Norm,
  spread,
  preferred,
  rackNearness,
  zoneNearness,
  numaNearness,
  nvlinkNearness,
  power,
  price,
  coLocation,
  adaptive,
  learned,
] as const;
export type ScorerName = (typeof scorers)[number]['name'];
