import { z } from 'zod';
import { quantity, text, wholeNumber } from './fields.ts';
import { parseBytes, parseCpu } from './quantities.ts';

/** What a person asks of a workload that runs. Amounts as in documents; what is absent stays as it is. */
export const adjustRequestSchema = z
  .strictObject({
    step: text({ description: 'Only this step.', max: 128, filled: true }).optional(),
    task: wholeNumber(0, 1_000_000, { description: 'Only this task of it, from 0.' }).optional(),
    cpu: quantity(parseCpu, {
      description: 'Cores, asked for and enforced.',
      form: 'cores',
      finite: true,
      positive: true,
    }).optional(),
    memory: quantity(parseBytes, {
      description: 'Memory, asked for and enforced.',
      form: 'bytes such as 512Mi, 20Gi or 16GB',
      finite: true,
      min: { value: 4 * 1024 ** 2, text: '4Mi' },
    }).optional(),
    pids: wholeNumber(1, 4_194_304, { description: 'Processes and threads.' }).optional(),
    priority: wholeNumber(-1000, 1000, {
      description: 'Of the whole workload; what waits of it, too.',
    }).optional(),
    nice: wholeNumber(-20, 19, { description: 'Of every thread that runs now.' }).optional(),
  })
  .meta({ title: 'AdjustRequest' });
