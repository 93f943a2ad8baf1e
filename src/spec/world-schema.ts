import { z } from 'zod';
import { oneOf, quantity, text, wholeNumber } from './fields.ts';
import { parseBitRate, parseBytes, parseDollars, parsePercent } from './quantities.ts';
import { count, span } from './site-fields.ts';

/** Blocks of a document that describes a modelled site: what fails, what it costs, what is slow. */

const GROUPS_MAX = 64;
const LINKS_MAX = 10_000;
const RATE_MAX = 10_000_000;

const lasting = (description: string) => span(description, { positive: true });
export const plainName = (description: string) =>
  text({ description, max: 253, filled: true, oneLine: true });
const bitRate = (description: string) =>
  quantity(parseBitRate, {
    description,
    form: 'bit rate such as 25Gbps',
    positive: true,
    finite: true,
  });
const dollars = (description: string) =>
  quantity(parseDollars, {
    description,
    form: 'dollars such as 0.40',
    positive: true,
    finite: true,
  });
const part = (description: string, initial?: string) =>
  quantity(parsePercent, {
    description,
    form: 'percentage such as 50%',
    finite: true,
    ...(initial !== undefined && { default: initial }),
  });
const size = (description: string) =>
  quantity(parseBytes, { description, form: 'bytes such as 150Gi', positive: true, finite: true });

const outageFields = {
  mtbf: lasting('Mean time from when it works until it fails.'),
  shape: z
    .number()
    .min(0.1)
    .max(10)
    .meta({
      title: 'number from 0.1 to 10',
      description:
        'Of a Weibull distribution: below 1 the young fail more, above 1 the old. Without it any time is as likely as another (exponential).',
    })
    .optional(),
  mttr: lasting('Mean time until it works again.'),
  mttr_sigma: z
    .number()
    .min(0)
    .max(5)
    .meta({
      title: 'number from 0 to 5',
      description:
        'Spread of the repairs: of a lognormal distribution the deviation of the logarithm; 0 is always the mean. Without it exponential.',
    })
    .optional(),
};
export const outageSchema = z.strictObject(outageFields);

export const failuresSchema = z.strictObject({
  nodes: outageSchema.meta({ description: 'Of each node by itself.' }).optional(),
  groups: z
    .array(
      z.strictObject({
        label: plainName('Nodes with the same value of this label fail together: rack, pdu.'),
        ...outageFields,
      }),
    )
    .max(GROUPS_MAX)
    .meta({ description: 'Of several nodes at once.' })
    .optional(),
  planned: z
    .array(
      z.strictObject({
        after: span('Since the beginning.'),
        for: lasting('Until it works again; never, when not given.').optional(),
        node: plainName('The node that fails.').optional(),
        label: plainName('Or the label of all that fail.').optional(),
        value: plainName('And its value.').optional(),
      }),
    )
    .max(1_000)
    .meta({ description: 'What fails whatever chance says.' })
    .optional(),
});

export const spotSchema = z
  .array(
    z.strictObject({
      type: plainName(
        'Of nodes with this label `instance-type`; all others, without it.',
      ).optional(),
      base: dollars('What an hour of one usually costs.'),
      on_demand: dollars('What the same costs when it is not taken away.'),
      bid: dollars(
        'Nodes are given back while they cost more; on demand, when not given.',
      ).optional(),
      notice: span('From the notice until the node is gone.', { default: '2m' }).optional(),
      away: span('Until a node that was taken may be had again.', { default: '30m' }).optional(),
      step: lasting('The market moves so often; 1 minute, when not given.').optional(),
      interrupted: lasting(
        'Mean time until a node is taken for its capacity; never, when not given.',
      ).optional(),
      tremble: part('Standard deviation of a step of the price, of the base.', '1%').optional(),
      reversion: part('Of its way back to the base, in each step.', '5%').optional(),
      jumps_per_million: wholeNumber(0, 1_000_000, {
        description: 'Of a million steps, how many are jumps.',
        default: 20,
      }).optional(),
      jump_max: part('A jump is at most so much of the base.', '100%').optional(),
      prices: plainName('A file of recorded prices: CSV with the columns time,price.').optional(),
    }),
  )
  .min(1)
  .max(GROUPS_MAX)
  .meta({ description: 'Markets of spot nodes (label `spot: "true"`), by type.' });

export const networkSchema = z.strictObject({
  fabric: z
    .strictObject({
      spines: wholeNumber(1, 1_000, { description: 'Switches that connect the racks.' }),
      node_link: bitRate('From a node to the switch of its rack (the label `rack`).'),
      uplink: bitRate('From the switch of a rack to each spine.'),
      storage_link: bitRate('From `storage` to each spine; without it there is none.').optional(),
    })
    .meta({ description: 'Racks and spines; made of the nodes.' })
    .optional(),
  links: z
    .array(
      z.strictObject({
        a: plainName('A node, a switch or a storage.'),
        b: plainName('What it is connected with.'),
        capacity: bitRate('In each direction.'),
      }),
    )
    .max(LINKS_MAX)
    .meta({ description: 'Cables beside those of the fabric.' })
    .optional(),
  failures: outageSchema.meta({ description: 'Of each link by itself.' }).optional(),
  fetch: z
    .strictObject({
      size: size('Fetched by every attempt before it works.'),
      from: plainName('Where it is.'),
    })
    .optional(),
  datasets: z
    .record(
      z.string().max(253),
      z.strictObject({
        size: size('Fetched by tasks that name it in `affinity.data`, unless their node has it.'),
        at: z
          .array(plainName('A node, a switch or a storage.'))
          .max(1_000)
          .meta({ description: 'Where it is, beside the nodes with the label `data/NAME`.' })
          .optional(),
      }),
    )
    .meta({ description: 'Data sets by name.' })
    .optional(),
  keeps: z
    .boolean()
    .meta({ description: 'Nodes keep what they fetched, and give it to others.', default: true })
    .optional(),
  weights: z
    .strictObject({
      guaranteed: wholeNumber(1, 1_000, { description: 'Its part of a full link.', default: 4 }),
      burstable: wholeNumber(1, 1_000, { description: 'Its part of a full link.', default: 2 }),
      best_effort: wholeNumber(1, 1_000, { description: 'Its part of a full link.', default: 1 }),
    })
    .partial()
    .meta({ description: 'By class of service of the task.' })
    .optional(),
});

export const checkpointsSchema = z.strictObject({
  every: lasting('Work between two checkpoints, of tasks that do not say.').optional(),
  save: span('A task does not work while it saves.', { default: '0s' }).optional(),
  restart: span('Until an attempt works on from what was saved, of tasks that do not say.', {
    default: '0s',
  }).optional(),
  on_stop: z
    .boolean()
    .meta({ description: 'A task that is told to stop saves first.', default: true })
    .optional(),
});

export const gpuSharingSchema = z.strictObject({
  slice: lasting(
    'A turn of one task on a shared device. An assumption: drivers do not tell.',
  ).optional(),
  switch: span('Lost with each change of turn. An assumption.', { default: '2ms' }).optional(),
  demand: oneOf(['request', 'whole'] as const, {
    description: 'What a task keeps busy when it is alone: its request, or all of the device.',
    default: 'request',
  }).optional(),
  contention: quantity(parsePercent, {
    description: 'Side by side (MPS) each neighbour costs so much of the pace. An assumption.',
    form: 'percentage such as 10%',
    finite: true,
    default: '10%',
  }).optional(),
});

export const slowdownsSchema = z
  .array(
    z.strictObject({
      after: span('Since the beginning.', { default: '0s' }).optional(),
      over: span('It comes little by little, over so long.', { default: '0s' }).optional(),
      pace: part('What is left of the pace at its end.'),
      label: plainName('Of nodes with this label; of all, without it.').optional(),
      value: plainName('And this value of it.').optional(),
    }),
  )
  .max(GROUPS_MAX)
  .meta({ description: 'What makes nodes slower: dust, a leak, a full disk.' });

export const cureFields = {
  breaker: z
    .strictObject({
      failures: part('Of the requests to one worker within the window, that fail.'),
      window: lasting('Failures are counted over so long.'),
      open: lasting('Then it is asked nothing for so long.'),
    })
    .meta({ description: 'Clients leave alone who does not answer.' })
    .optional(),
  backpressure: z
    .strictObject({
      queue: count('A worker refuses a request behind so many others.', 1),
    })
    .meta({ description: 'Workers refuse what they could not answer in time.' })
    .optional(),
  bulkhead: z
    .strictObject({
      compartments: wholeNumber(2, 1_000, { description: 'Clients and workers, each in so many.' }),
    })
    .meta({ description: 'Walls between groups of clients and workers.' })
    .optional(),
};

export const requestsSchema = z.strictObject({
  workload: plainName('The job whose tasks are the workers.'),
  rate: z
    .number()
    .positive()
    .max(RATE_MAX)
    .meta({ title: 'number', description: 'Requests in a second.' }),
  serves: z
    .number()
    .positive()
    .max(RATE_MAX)
    .meta({ title: 'number', description: 'Of one worker, answers in a second.' }),
  timeout: lasting('A client waits so long for an answer.'),
  retries: wholeNumber(0, 100, {
    description: 'Tries after the first one.',
    default: 3,
  }).optional(),
  backoff: span('Before another try.', { default: '500ms' }).optional(),
  queue: count(
    'Waiting requests that fill the memory of a worker, on the average of workers; with more it is killed.',
    1,
  ),
  on_kill: oneOf(['worker', 'node'] as const, {
    description: 'What is lost with a worker that is killed.',
    default: 'worker',
  }).optional(),
  reboot: span('Until such a node is back.', { default: '10m' }).optional(),
  warmup: span('Until a fresh worker answers.', { default: '5s' }).optional(),
  ...cureFields,
});

export const worldSchema = z.strictObject({
  failures: failuresSchema.meta({ description: 'What fails.' }).optional(),
  spot: spotSchema.optional(),
  network: networkSchema.meta({ description: 'What is fetched, and over which links.' }).optional(),
  checkpoints: checkpointsSchema.meta({ description: 'What saving work costs.' }).optional(),
  gpu_sharing: gpuSharingSchema.meta({ description: 'What sharing a GPU costs.' }).optional(),
  slowdowns: slowdownsSchema.optional(),
  requests: requestsSchema
    .meta({ description: 'Requests to the tasks of a job, for a week at most.' })
    .optional(),
});

export type WorldBlock = z.output<typeof worldSchema>;
