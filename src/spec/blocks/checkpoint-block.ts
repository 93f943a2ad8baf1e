import { z } from 'zod';
import { spanMs } from '../../base/units.ts';
import { ARGUMENT_BYTES_MAX, quantity, text } from '../fields.ts';
import { parseSpan } from '../quantities.ts';
import { defineBlock } from './execution-block.ts';

const ARGUMENTS_MAX = 1_000;
const TIMEOUT_MS = 60_000;
const form = 'span such as 90s or 5m; a bare number is seconds';

const schema = z
  .strictObject({
    signal: z
      .enum(['SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGINT'])
      .meta({
        description: 'Sent to the processes that listen to it, when the task is to save its work.',
      })
      .optional(),
    command: z
      .array(text({ description: 'An argument.', max: ARGUMENT_BYTES_MAX }))
      .min(1)
      .max(ARGUMENTS_MAX)
      .meta({ description: 'Run beside the task; it ends when the work is saved.' })
      .optional(),
    timeout: quantity(parseSpan, {
      description: 'Saving takes at most this; then the task is stopped as it is.',
      form,
      positive: true,
      finite: true,
      default: '60s',
    }).optional(),
    every: quantity(parseSpan, {
      description: 'Also while it runs on, so often.',
      form,
      positive: true,
      finite: true,
      min: { value: 1_000, text: '1s' },
    }).optional(),
  })
  .meta({ description: 'How it saves its work before it is stopped for others.' });

export const checkpointBlock = defineBlock({
  key: 'checkpoint',
  schema,
  read(block, path, problems) {
    if (block.signal === undefined && block.command === undefined) {
      const message = 'neither a `signal` nor a `command` says how it saves its work';
      problems.push({ path: [...path], message, expected: '`signal: SIGUSR1`, or `command`' });
    }
    return {
      ...(block.signal && { signal: block.signal }),
      ...(block.command && { command: block.command }),
      timeoutMs: block.timeout ?? spanMs(TIMEOUT_MS),
      ...(block.every !== undefined && { everyMs: block.every }),
    };
  },
});
