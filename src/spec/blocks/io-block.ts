import { z } from 'zod';
import { type Bytes, bytes, UNLIMITED } from '../../base/units.ts';
import { quantity, wholeNumber } from '../fields.ts';
import { parseBytes } from '../quantities.ts';
import { defineBlock } from './execution-block.ts';

const OPERATIONS_MAX = 1_000_000_000;

const rate = (description: string) =>
  quantity<Bytes>(parseBytes, {
    form: 'bytes a second such as 100Mi',
    description,
    default: 'unlimited',
    positive: true,
  }).optional();

const operations = (description: string) =>
  wholeNumber(1, OPERATIONS_MAX, { description }).optional();

const schema = z
  .strictObject({
    read: rate('Read from each disk that its folders lie on, at most so much a second.'),
    write: rate('Written to each of them, at most so much a second.'),
    reads_per_second: operations('Read operations a second at most.'),
    writes_per_second: operations('Write operations a second at most.'),
    weight: wholeNumber(1, 10_000, {
      description: 'Beside others that want the same disk. Only cgroup v2 has it.',
      default: 100,
    }).optional(),
  })
  .meta({ description: 'How much it may use of the disks that its folders lie on.' });

export const ioBlock = defineBlock({
  key: 'io',
  schema,
  read: (block) => ({
    readBytesPerSecond: block.read ?? bytes(UNLIMITED),
    writeBytesPerSecond: block.write ?? bytes(UNLIMITED),
    readsPerSecond: block.reads_per_second ?? UNLIMITED,
    writesPerSecond: block.writes_per_second ?? UNLIMITED,
    ...(block.weight !== undefined && { weight: block.weight }),
  }),
});
