import { z } from 'zod';
import type { BitsPerSecond, Bytes, TimeMs } from '../base/units.ts';
import { checksumKinds, type Transfer } from './transfer.ts';

// The brands are made here, where the number has been checked.
const whole = <T extends number>() => z.int().nonnegative() as unknown as z.ZodType<T>;

/** A transfer as its record file has it. */
export const transferForm: z.ZodType<Transfer> = z.strictObject({
  id: z.string().regex(/^[1-9]\d{0,14}$/),
  order: z.strictObject({
    from: z.string().startsWith('/'),
    to: z.string().startsWith('/'),
    rate: whole<BitsPerSecond>().exactOptional(),
    checksum: z.enum(checksumKinds),
  }),
  state: z.enum(['queued', 'running', 'verifying', 'succeeded', 'failed', 'cancelled']),
  askedAt: whole<TimeMs>(),
  startedAt: whole<TimeMs>().exactOptional(),
  endedAt: whole<TimeMs>().exactOptional(),
  starts: z.int().nonnegative(),
  files: z.int().nonnegative().exactOptional(),
  bytes: whole<Bytes>().exactOptional(),
  moved: whole<Bytes>(),
  resumed: whole<Bytes>(),
  sum: z.string().exactOptional(),
  message: z.string().exactOptional(),
});
