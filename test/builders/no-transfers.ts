import type { TransferSite } from '../../src/api/contract/transfer-documents.ts';

/** Of a site where nothing is moved. */
export const noTransfers: TransferSite = {
  ask: () => Promise.reject(new Error('nothing is moved here')),
  transfer: () => undefined,
  transfers: () => [],
  cancel: () => Promise.resolve(undefined),
  clean: () => Promise.resolve([]),
};
