import type { AlertSite } from '../../src/api/contract/alert-documents.ts';

/** A site on which nothing fires, by no rule. */
export const noAlerts: AlertSite = {
  list: () => ({ now: 0, alerts: [], rules: [], silences: [] }),
  silence: () => {
    throw new Error('nothing fires here');
  },
  unsilence: () => false,
  replay: () => {
    throw new Error('nothing is kept here');
  },
};
