import { type DescribedGpu, describeGpu } from '../describe-gpu.ts';
import { defineProbe } from '../probe.ts';
import { drmCards } from './drm-cards.ts';

/** Intel GPUs as i915 and xe show them. An integrated one has no memory of its own: that is unknown. */
export const intelGpuProbe = defineProbe({
  name: 'intel-gpu',
  cost: 'fast',
  read(host) {
    const { gpus, attributes } = drmCards(host, 'intel');
    if (gpus.length === 0) return { kind: 'absent' };
    const value: readonly DescribedGpu[] = gpus.map(describeGpu);
    return { kind: 'found', value, problems: attributes.problems };
  },
});
