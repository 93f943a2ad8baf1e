import { z } from 'zod';
import type { MicroDollars, TimeMs } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import { text, whole } from './plain-forms.ts';

const dollars = whole<MicroDollars>();
const tenant = text<TenantId>();

export const reserve = z.strictObject({
  amount: dollars,
  perHour: dollars,
  until: whole<TimeMs>(),
  unpriced: z.array(z.string()).exactOptional(),
});

export const budgetFacts = z.strictObject({
  budget: z.string(),
  tenant: tenant.exactOptional(),
  spent: dollars,
  reserved: dollars,
  asked: dollars,
  limit: dollars,
});

export const spending = z.strictObject({
  tenant,
  queue: text<QueueName>(),
  what: z.string(),
  amount: dollars.exactOptional(),
  tokens: whole(),
  calls: whole(),
});
