import { bestFit } from './best-fit.ts';
import { firstFit } from './first-fit.ts';
import { worstFit } from './worst-fit.ts';

/** Every scorer. Adding one = its file + one line here. */
export const scorers = [firstFit, bestFit, worstFit] as const;
export type ScorerName = (typeof scorers)[number]['name'];
