import { z } from 'zod';
import { type BasisPoints, UNLIMITED } from '../base/units.ts';
import type { Amounts } from '../model/scheduling-config.ts';
import { either, quantity, text, wholeNumber } from './fields.ts';
import {
  type Parsed,
  parseBytes,
  parseCpu,
  parseGpuSum,
  parseSpan,
  parseWeight,
  shown,
} from './quantities.ts';

/** Schemas that several blocks of a site document share. */

export const COUNT_MAX = 1_000_000_000;
/** More than that and the smallest part is none: stride scheduling divides by it. */
const WEIGHT_MAX = 100_000;

export const spanForm = 'span such as 90s, 1h30m or 7d; a bare number is seconds';

export const queueName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, {
  error: 'a name of letters, digits, _ . and -, beginning with a letter or digit, at most 63',
});

export const tenantName = text({
  description: 'The name of a user.',
  max: 128,
  filled: true,
  oneLine: true,
});

export const weight = (description: string) =>
  quantity(parseWeight, {
    description,
    form: 'weight such as 1, 60 or 0.6',
    positive: true,
    finite: true,
    default: 1,
  });

export const count = (description: string, min = 0) => wholeNumber(min, COUNT_MAX, { description });

export const span = (description: string, more: { positive?: boolean; default?: string } = {}) =>
  quantity(parseSpan, { description, form: spanForm, ...more });

/** A value that only a later version looks at. */
export const later = (description: string) =>
  z.unknown().meta({ description: `${description} Read by a later version; ignored now.` });

/** Names of zones are checked where the document is read: this machine's rules say which there are. */
export const timeZone = text({
  description: 'Name of a time zone such as Europe/Berlin. That of the document, when not given.',
  max: 64,
  filled: true,
  oneLine: true,
});

export const amountsSchema = z.strictObject({
  cpu: share(parseCpu, 'cores such as 2, 0.5 or 500m', 'Cores.').optional(),
  memory: share(parseBytes, 'bytes such as 512Mi, 1.5Gi or 16GB', 'Memory.').optional(),
  gpu: share(parseGpuSum, 'GPUs such as 1, 4 or 0.5', 'GPUs.').optional(),
});

export type AmountsBlock = z.output<typeof amountsSchema>;

export const amounts = (description: string) => amountsSchema.meta({ description });

/** Amounts, or the words for everything. */
export const limitAmounts = (description: string) =>
  either(
    z
      .string()
      .refine((written) => ['unlimited', 'total_resources', '100%'].includes(written), {
        error: 'neither a map of amounts nor `unlimited`',
        params: { expected: 'a map of cpu, memory and gpu; a `weight` gives a share of the site' },
      })
      .transform((): AmountsBlock => ({})),
    amountsSchema,
    'unlimited, or a map of cpu, memory and gpu',
    { description },
  );

export function toAmounts(block: AmountsBlock | undefined, rest: Amounts): Amounts {
  return {
    cpu: block?.cpu ?? rest.cpu,
    memory: block?.memory ?? rest.memory,
    gpu: block?.gpu ?? rest.gpu,
  };
}

/** The capacity of a site changes as nodes come and go, and queues hold amounts. */
function share<T extends number>(
  parse: (written: string) => Parsed<T>,
  form: string,
  description: string,
) {
  const parseAmount = (written: string): Parsed<T> =>
    /%\s*$/.test(written)
      ? {
          ok: false,
          message: `${shown(written)} is a share of the site, and queues are held to amounts`,
          expected: 'an amount; a `weight` gives a share',
        }
      : parse(written);
  return quantity(parseAmount, { description, form });
}

/**
 * Weights as whole numbers, those of one set by the same factor: 0.6, 0.3, 0.1 → 6, 3, 1. What says nothing
 * has 1 before that. Undefined when the largest is too many times the smallest part.
 */
export function wholeWeights(written: readonly (BasisPoints | undefined)[]): number[] | undefined {
  let weights = written.map((one): number => one ?? 10_000);
  for (let i = 0; i < 4 && weights.every((one) => one % 10 === 0); i++) {
    weights = weights.map((one) => one / 10);
  }
  return weights.some((one) => one > WEIGHT_MAX) ? undefined : weights;
}

export const WEIGHTS_MESSAGE = 'the weights beside each other are too different or too exact';
export const WEIGHTS_EXPECTED = `whole numbers of at most ${WEIGHT_MAX} once fractions are gone`;

export const orUnlimited = (written: number | undefined): number => written ?? UNLIMITED;
