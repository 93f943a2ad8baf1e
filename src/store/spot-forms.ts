import { z } from 'zod';
import type { MicroDollars } from '../base/units.ts';
import { whole } from './plain-forms.ts';

const money = whole<MicroDollars>();

/** The stored forms of what is told and decided of spot nodes. */
export const spotForms = {
  quote: z.strictObject({
    type: z.string().exactOptional(),
    base: money,
    price: money,
    onDemand: money.exactOptional(),
    source: z.string(),
  }),
  obstacle: z.union([
    z.strictObject({ why: z.enum(['disabled', 'unsuitable']) }),
    z.strictObject({
      why: z.literal('price'),
      type: z.string().exactOptional(),
      price: money,
      base: money,
      most: money,
    }),
    z.strictObject({
      why: z.literal('share'),
      onSpot: whole(),
      running: whole(),
      percentage: whole(),
    }),
  ]),
};
