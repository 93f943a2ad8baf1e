import type { ExpositionSite } from '../../src/api/contract/exposition.ts';

/** A site that measures nothing. */
export const noExposition: { readonly exposition: ExpositionSite } = {
  exposition: { exposition: () => ({ text: '', type: 'text/plain' }) },
};
