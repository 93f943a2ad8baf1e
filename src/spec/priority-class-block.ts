import { z } from 'zod';
import type { PriorityClass } from '../model/priority-class.ts';
import { qosClasses } from '../model/qos.ts';
import type { WrittenReservation } from '../model/site-config.ts';
import { plainWord, quantity, wholeNumber } from './fields.ts';
import { parseFactor } from './quantities.ts';
import { amountOf, isNothing, keptSchema } from './reservation-block.ts';
import type { SiteReading } from './site-reading.ts';

const CLASSES_MAX = 100;

/** Of a priority class, where the site gives it one and where documents use it. */
export const className = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, {
  error: 'a name of letters, digits, _ . and -, beginning with a letter or digit, at most 63',
});

const classSchema = z.strictObject({
  priority: wholeNumber(-1000, 1000, {
    description: 'Of workloads that say nothing; one that says more is refused.',
  }),
  preemptible: z
    .boolean()
    .meta({
      description:
        'Whether its tasks may be stopped for others; a document that contradicts `true` is refused. As each step says, when not given.',
    })
    .optional(),
  guaranteed_resources: keptSchema
    .meta({
      description:
        'Kept on one node for tasks of the class, whenever they come. Where they could take it back by preemption, it is lent: in a site of one queue, to tasks of lower priority that may be stopped.',
    })
    .optional(),
  resource_multiplier: quantity(parseFactor, {
    description:
      'Where cores are short, what its tasks weigh for each core that they ask for: 0.5 gets half as much of a core as 1.',
    form: 'factor such as 1.0 or 0.5',
    positive: true,
    default: 1,
  }).optional(),
});

export const classesSchema = z.record(className, classSchema).meta({
  description: 'Priority classes, by the name that documents give as `class`.',
});

type ClassesBlock = z.output<typeof classesSchema>;

export interface Classes {
  readonly classes: readonly PriorityClass[];
  /** What is kept for them. */
  readonly kept: readonly WrittenReservation[];
}

export function readClasses(reading: SiteReading, block: ClassesBlock | undefined): Classes {
  const path = ['scheduling', 'classes'];
  const entries = Object.entries(block ?? {});
  if (entries.length > CLASSES_MAX) {
    reading.error(path, `${entries.length} classes`, { expected: `at most ${CLASSES_MAX}` });
  }
  for (const [name] of entries) {
    if (!qosClasses.some((one) => one === plainWord(name))) continue;
    reading.error([...path, name], `\`${name}\` is a class of service`, {
      expected: 'another name: documents say `class` of both kinds',
      at: 'key',
    });
  }
  const classes: PriorityClass[] = [];
  const kept: WrittenReservation[] = [];
  for (const [name, one] of entries) {
    const { priority, preemptible, resource_multiplier: multiplier } = one;
    classes.push({
      name,
      priority,
      ...(preemptible !== undefined && { preemptible }),
      ...(multiplier !== undefined && { multiplier }),
    });
    if (one.guaranteed_resources === undefined) continue;
    const amount = amountOf(one.guaranteed_resources);
    if (isNothing(amount)) {
      const at = [...path, name, 'guaranteed_resources'];
      reading.error(at, 'nothing is kept', { expected: 'more than 0' });
    }
    kept.push({
      name: `class ${name}`,
      selector: { classes: [name] },
      amount,
      parts: 1,
      duration: { kind: 'always' },
    });
  }
  return { classes, kept };
}
