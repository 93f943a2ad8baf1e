import { z } from 'zod';
import { either, plainValue, text, wholeNumber } from './fields.ts';

const RULES_MAX = 64;
const VALUES_MAX = 256;

const labelKey = text({ description: 'A label of nodes.', max: 253, filled: true, oneLine: true });
const values = z
  .array(plainValue({ max: 1024 }))
  .max(VALUES_MAX)
  .meta({ description: 'Of `In` and `NotIn`: the list. Of `Gt` and `Lt`: one whole number.' });

const expressionShape = {
  key: labelKey,
  operator: z
    .enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'])
    .meta({ description: 'As in Kubernetes.', default: 'In with values, else Exists' })
    .optional(),
  values: values.optional(),
};

const weight = wholeNumber(1, 100, {
  description: 'How much it counts beside other wishes.',
  default: 100,
});

const topology = text({
  description:
    'A label of nodes, such as rack or zone, that tells places apart; `node` is the very node.',
  default: 'node',
  max: 253,
  filled: true,
  oneLine: true,
});

const othersShape = {
  label: text({
    description: 'Tasks of workloads with this label. Without it: those of the same workload.',
    max: 253,
    filled: true,
    oneLine: true,
  }).optional(),
  values: z
    .array(plainValue({ max: 1024 }))
    .max(VALUES_MAX)
    .meta({
      description:
        'Values of that label. Without them: the one that this workload has, or any where it has none.',
    })
    .optional(),
  topology: topology.optional(),
};

const listOf = <T extends z.ZodType>(rule: T, description: string) =>
  z.array(rule).max(RULES_MAX).meta({ description });

const others = (what: string) =>
  z
    .strictObject({
      required: listOf(z.strictObject(othersShape), `All must hold: ${what}.`).optional(),
      preferred: listOf(
        z.strictObject({ ...othersShape, weight: weight.optional() }),
        `The more of their weight, the better: ${what}.`,
      ).optional(),
    })
    .meta({ description: `Others, ${what}.` });

const names = listOf(
  text({
    description: 'A data set: nodes with the label `data/NAME` hold it.',
    max: 200,
    filled: true,
  }),
  'Data sets by name.',
);

export const affinitySchema = z
  .strictObject({
    node_affinity: z
      .strictObject({
        required: listOf(z.strictObject(expressionShape), 'All must hold.').optional(),
        preferred: listOf(
          z.strictObject({ ...expressionShape, weight: weight.optional() }),
          'The more of their weight hold, the better.',
        ).optional(),
      })
      .meta({ description: 'Labels of the node.' })
      .optional(),
    pod_affinity: others('near which its tasks run').optional(),
    anti_affinity: others('apart from which its tasks run').optional(),
    spread: listOf(
      z.strictObject({
        ...othersShape,
        max_skew: wholeNumber(1, 1_000_000, {
          description: 'A place has at most so many more than the one with fewest.',
          default: 1,
        }).optional(),
        required: z
          .boolean()
          .meta({ description: 'False: a wish only.', default: true })
          .optional(),
      }),
      'About as many tasks in each place.',
    ).optional(),
    topology: either(
      text({ description: 'A label of nodes; a wish.', max: 253, filled: true, oneLine: true }),
      z.strictObject({
        same: topology,
        required: z
          .boolean()
          .meta({ description: 'True: nowhere else.', default: false })
          .optional(),
      }),
      'a label of nodes, or a map with same',
      { description: 'Its tasks run where this label of nodes is the same.' },
    ).optional(),
    data: z
      .strictObject({
        required: names.optional(),
        preferred: names.optional(),
        within: topology.optional(),
      })
      .meta({ description: 'Data that is to be on the node, or `within` the same place.' })
      .optional(),
    tolerations: listOf(
      z.strictObject({
        key: text({ description: 'Of the taint; any, when not given.', max: 253 }).optional(),
        operator: z
          .enum(['Exists', 'Equal'])
          .meta({ description: '`Equal` also compares the value.', default: 'Equal with a value' })
          .optional(),
        value: plainValue({ max: 1024 })
          .meta({ description: 'Of the taint; any, when not given.' })
          .optional(),
      }),
      'Taints of nodes that do not keep it out.',
    ).optional(),
  })
  .meta({ description: 'Where tasks may run, and where they would rather.' });

export type AffinityBlock = z.output<typeof affinitySchema>;
