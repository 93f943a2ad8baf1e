import { orders } from '../scheduling/orders/registry.ts';
import { scorers } from '../scheduling/scorers/registry.ts';
import type { SiteNames } from '../spec/site-document.ts';

/** What a site document may name on this machine. */
export function siteNames(): SiteNames {
  return {
    orders: orders.map(({ name }) => name),
    scorers: scorers.map(({ name }) => name),
    timeZones: { has: isTimeZone, names: ['UTC', ...Intl.supportedValuesOf('timeZone')] },
  };
}

/** Old names such as US/Eastern are none that are listed, and are known all the same. */
function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
