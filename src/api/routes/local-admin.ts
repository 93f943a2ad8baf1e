import type { TenantId } from '../../model/ids.ts';
import type { Identity } from './api-env.ts';

/** Whoever may open the state folder. */
export const localAdmin: Identity = {
  tenant: 'default' as TenantId,
  role: 'admin',
  sees: 'all',
};
