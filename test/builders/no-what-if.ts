import type { WhatIfSite } from '../../src/api/contract/what-if-documents.ts';

/** A site that looks ahead for nobody. */
export const noWhatIf: { readonly whatIf: WhatIfSite } = {
  whatIf: { whatIf: () => Promise.reject(new Error('no what-if here')) },
};
