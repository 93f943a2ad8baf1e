import type { TenantId } from '../../model/ids.ts';

/** What the route needs that scrapers ask. */
export interface ExpositionSite {
  /**
   * All that is measured now, in the format that the `Accept` header prefers. `only`: of tenants, of nobody but
   * this one; what belongs to no tenant is the site's, and everybody's to see.
   */
  exposition(
    accept: string | undefined,
    only: TenantId | undefined,
  ): { readonly text: string; readonly type: string };
}
