import { actionsFor } from './action-plan.ts';
import { countOf } from './amounts.ts';
import type { Remedy } from './finding.ts';
import { type Layer, layerMetrics, layers } from './layers.ts';
import { POINTS_MIN } from './level-change.ts';
import { byLayer, changeWords, type LookedAtLayers } from './regressions.ts';

/** How one layer is, also where all is well or nothing is known. */
export interface LayerState {
  readonly layer: Layer;
  readonly state: 'worse' | 'steady' | 'unknown';
  readonly sentence: string;
  /** What to do about it, what risks least first; nothing unless it is worse. */
  readonly remedies: readonly Remedy[];
}

/** All seven, from the bottom up: what got worse, what did not, and of what nothing is known. */
export function surveyLayers({ changes, series }: LookedAtLayers): readonly LayerState[] {
  const changed = byLayer(changes);
  return layers.map((layer): LayerState => {
    const found = changed.get(layer) ?? [];
    const { told = 0, short = 0 } = series.get(layer) ?? {};
    const [first, ...others] = found.map(changeWords);
    if (first !== undefined) {
      const more = others.length === 0 ? '' : `; and ${countOf(others.length, 'other change')}`;
      const sentence = `${first}${more}.`;
      return { layer, state: 'worse', sentence, remedies: actionsFor(layer) };
    }
    if (told > 0) {
      const sentence = `${told} series, none of them worse than it was.`;
      return { layer, state: 'steady', sentence, remedies: [] };
    }
    return { layer, state: 'unknown', sentence: unknownOf(layer, short), remedies: [] };
  });
}

function unknownOf(layer: Layer, short: number): string {
  if (short > 0) {
    return `Measured for too short a time: each of ${short} series has less than ${POINTS_MIN} points in the window.`;
  }
  const words = layerMetrics.filter((one) => one.layer === layer).map((one) => one.words);
  return `Nothing of it was measured in that time: ${[...new Set(words)].join(', ')}.`;
}
