import type { SettingsSite } from '../../src/api/contract/settings-documents.ts';

/** A daemon of which nothing is said. */
export const noSettings: { readonly settings: SettingsSite } = {
  settings: { settings: () => ({ site_file: null, settings: [], left_out: 0 }) },
};
