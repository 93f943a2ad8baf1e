import type { MetricSite } from '../../src/api/contract/metric-site.ts';

/** A site on which nothing was ever measured. */
export const noMetrics: { readonly metrics: MetricSite } = {
  metrics: {
    metrics: () => ({ now: 0, quality: null, metrics: [] }),
    history: () => undefined,
    drift: () => undefined,
    exported: () => [],
  },
};
