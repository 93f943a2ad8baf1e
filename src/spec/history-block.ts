import { z } from 'zod';
import { bytes, spanMs } from '../base/units.ts';
import type { HistoryConfig } from '../model/history-config.ts';
import { spanForm } from './blocks/limits-block.ts';
import { quantity } from './fields.ts';
import type { Path } from './issue.ts';
import { parseBytes, parseSpan } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIB = 1024 ** 2;

/** What holds where nothing is said, and what may be said. */
const bounds = {
  seconds: { usual: DAY, min: HOUR, max: 30 * DAY, form: 'from 1h to 30d' },
  minutes: { usual: 90 * DAY, min: DAY, max: 1_830 * DAY, form: 'from 1d to 1830d' },
  hours: { usual: 730 * DAY, min: 7 * DAY, max: 7_300 * DAY, form: 'from 7d to 7300d' },
  size: { usual: 512 * MIB, min: 16 * MIB, max: 65_536 * MIB, form: 'from 16Mi to 64Gi' },
} as const;
type Key = keyof typeof bounds;

const age = (of: string, key: Key, initial: string) =>
  quantity(parseSpan, {
    description: `Points of ${of} are kept so long, ${bounds[key].form}.`,
    form: spanForm,
    finite: true,
    default: initial,
  }).optional();

export const historySchema = z
  .strictObject({
    seconds: age('a second', 'seconds', '24h'),
    minutes: age('a minute', 'minutes', '90d'),
    hours: age('an hour', 'hours', '730d'),
    size: quantity(parseBytes, {
      description: `The file is never larger, ${bounds.size.form}; the oldest goes first, seconds before minutes before hours.`,
      form: 'size such as 512Mi or 2GB',
      finite: true,
      default: '512Mi',
    }).optional(),
  })
  .meta({
    description:
      'Of a site: how long what is measured is kept. Less than before is made of what is there when the daemon starts.',
  });

type HistoryBlock = z.output<typeof historySchema>;

const AT: Path = ['monitoring', 'history'];

export function readHistory(reading: SiteReading, block: HistoryBlock): HistoryConfig {
  const amount = (key: Key): number => {
    const { usual, min, max, form } = bounds[key];
    const value = block[key] ?? usual;
    if (value < min || value > max) {
      reading.error([...AT, key], `\`${key}\` is out of range`, { expected: form });
    }
    return value;
  };
  const [seconds, minutes, hours] = [amount('seconds'), amount('minutes'), amount('hours')];
  outlasts(reading, block, { finer: ['seconds', seconds], coarser: ['minutes', minutes] });
  outlasts(reading, block, { finer: ['minutes', minutes], coarser: ['hours', hours] });
  return {
    secondsMs: spanMs(seconds),
    minutesMs: spanMs(minutes),
    hoursMs: spanMs(hours),
    size: bytes(amount('size')),
  };
}

/** What is coarser and kept no longer would say nothing that the finer does not. */
function outlasts(
  reading: SiteReading,
  block: HistoryBlock,
  of: { readonly finer: readonly [Key, number]; readonly coarser: readonly [Key, number] },
): void {
  const [finer, finerMs] = of.finer;
  const [coarser, coarserMs] = of.coarser;
  if (finerMs <= coarserMs) return;
  const at = block[finer] === undefined ? coarser : finer;
  const message = `points of ${finer} would be kept longer than those of ${coarser}`;
  reading.error([...AT, at], message, {
    expected: `\`${finer}\` of at most ${coarserMs / DAY}d, as \`${coarser}\``,
  });
}
