import { z } from 'zod';
import { STEP_ID } from '../model/ids.ts';
import { MIG_PROFILE } from '../model/mig-profile.ts';
import { affinitySchema } from './affinity-schema.ts';
import { executionShape } from './blocks/read-execution.ts';
import { documentDefaults } from './defaults.ts';
import {
  ARGUMENT_BYTES_MAX,
  either,
  plainMap,
  plainValue,
  quantity,
  text,
  wholeNumber,
} from './fields.ts';
import { cacheShape, conditionShape, fanOutShape } from './flow-schema.ts';
import { bitRate } from './network-fields.ts';
import {
  parseBytes,
  parseCpu,
  parseDollars,
  parseFactor,
  parseGpu,
  parseSpan,
  printBytes,
  printCpu,
  printFactor,
  printSpan,
} from './quantities.ts';

export const STEPS_MAX = 10_000;
export const TASKS_MAX = 1_000_000;
const RETRIES_MAX = 1000;

const { request, limits, retry } = documentDefaults;
const cpuForm = 'cores such as 2, 0.5 or 500m';
const bytesForm = 'bytes such as 512Mi, 1.5Gi or 16GB';
const spanForm = 'span such as 90s, 1h30m or 250ms; a bare number is seconds';

const cpu = (description: string, finite: boolean) =>
  quantity(parseCpu, { description, form: cpuForm, positive: true, finite });
const memory = (description: string, finite: boolean) =>
  quantity(parseBytes, { description, form: bytesForm, positive: true, finite });

const cpuShare = either(
  cpu('Request and limit at once.', true),
  z.strictObject({
    request: cpu('Held for the task. The limit, when not given.', true).optional(),
    limit: cpu('Enforced. Unlimited, when not given.', false).optional(),
  }),
  'cores, or a map of request and limit',
  {
    description: `CPU. A plain amount is request and limit at once; a map sets them apart. When not given, ${printCpu(request.cpu)} is requested and nothing is enforced.`,
  },
);
const memoryShare = either(
  memory('Request and limit at once.', true),
  z.strictObject({
    request: memory('Held for the task. The limit, when not given.', true).optional(),
    limit: memory('Enforced. Unlimited, when not given.', false).optional(),
  }),
  'bytes, or a map of request and limit',
  {
    description: `Memory. A plain amount is request and limit at once; a map sets them apart. When not given, ${printBytes(request.memory)} is requested and nothing is enforced.`,
  },
);
const gpuCount = quantity(parseGpu, {
  description: 'Devices: a share of one below 1, or whole ones.',
  form: 'GPUs such as 1, 4 or 0.5',
  finite: true,
});
const gpuType = text({
  description: 'A model as the inventory names it, or words of it: `a100` is any A100.',
  max: 128,
  filled: true,
  oneLine: true,
});
const gpuShare = either(
  gpuCount,
  z.strictObject({
    count: gpuCount.optional(),
    type: either(
      gpuType,
      z.array(gpuType).min(1).max(64).meta({ description: 'Any of several.' }),
      'a model of GPU, or a list of them',
      { description: 'Which models will do.' },
    ).optional(),
    memory: memory(
      'Of whole devices: each has at least so much. Of a share: so much of the device is held, and the share is at least that part of it.',
      true,
    ).optional(),
    mig: z
      .string()
      .regex(MIG_PROFILE, { error: 'a profile such as 1g.5gb' })
      .meta({ description: 'One MIG instance of this profile, instead of a count.' })
      .optional(),
  }),
  'GPUs, or a map with a count',
  {
    description:
      'GPUs: a share of one device below 1, or whole devices; in a map also by memory, or an instance.',
    default: 0,
  },
);

const shares = {
  cpu: cpuShare.optional(),
  memory: memoryShare.optional(),
  gpu: gpuShare.optional(),
};

export const resourcesSchema = z
  .strictObject({
    ...shares,
    custom: z
      .record(
        z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/, {
          error: 'a name of letters, digits, _ . / and -',
        }),
        wholeNumber(0, 1_000_000_000, { description: 'How many.' }),
      )
      .meta({ description: 'Countable things of the node such as licences or ports, by name.' })
      .optional(),
    compute: z
      .strictObject(shares)
      .meta({ description: 'The same three, one level deeper.' })
      .optional(),
  })
  .meta({ description: 'What each task asks for, and by default is held to.' });

export type ResourcesBlock = z.output<typeof resourcesSchema>;

const maxRetries = wholeNumber(0, RETRIES_MAX, {
  description:
    'Attempts after the first. `retry.max_retries` and `resource_limits.max_retries` are the same.',
  default: retry.maxRetries,
});

export const resourceLimitsSchema = z
  .strictObject({
    timeout: quantity(parseSpan, {
      description: 'Wall-clock time of one attempt; then it is stopped.',
      form: spanForm,
      positive: true,
      default: 'unlimited',
      examples: ['90s', '1h30m', 300],
    }).optional(),
    grace_period: quantity(parseSpan, {
      description: 'Time from SIGTERM to SIGKILL when an attempt is stopped.',
      form: spanForm,
      finite: true,
      default: printSpan(limits.graceMs),
    }).optional(),
    max_retries: maxRetries.optional(),
    cpu: cpu('Limit of CPU; overrides the one of `resources`.', false).optional(),
    memory: memory('Limit of memory; overrides the one of `resources`.', false).optional(),
    pids: wholeNumber(1, 4_194_304, {
      description: 'Processes and threads of one attempt.',
      default: limits.pids,
    }).optional(),
    log: quantity(parseBytes, {
      description: 'Kept of each of stdout and stderr of an attempt, the newest last.',
      form: bytesForm,
      finite: true,
      default: printBytes(limits.logBytes),
    }).optional(),
    max_results: wholeNumber(0, 1_000_000_000, {
      description:
        'Results that one attempt may tell of in `BERTH_USAGE`; beyond that it ends `results-exceeded`. `search_web` keeps to it by itself.',
    }).optional(),
    max_tokens: wholeNumber(0, 1_000_000_000_000, {
      description:
        'Tokens, in and out, that one attempt may tell of in `BERTH_USAGE`; beyond that it ends `tokens-exceeded`. `analyze_with_ai` asks for no longer an answer than is left.',
    }).optional(),
    max_model_calls: wholeNumber(0, 1_000_000_000, {
      description:
        'Calls of models that one attempt may tell of in `BERTH_USAGE`; beyond that it ends `model-calls-exceeded`. `analyze_with_ai` makes no call beyond it.',
    }).optional(),
    max_cost: quantity(parseDollars, {
      description:
        'What one attempt may cost by the prices of the site; then it is stopped, and not tried again.',
      form: 'dollars such as 5 or 50.00',
    }).optional(),
    network: z
      .strictObject({
        max_requests: wholeNumber(0, 1_000_000_000, {
          description:
            'Requests through the proxy; one more is refused, and ends the attempt `requests-exceeded`. `network.max_requests` is the same.',
        }).optional(),
        bandwidth: bitRate('In each direction. `network.bandwidth` is the same.').optional(),
      })
      .meta({ description: 'Limits of network use; all goes through the proxy then.' })
      .optional(),
  })
  .meta({ description: 'What each attempt is held to.' });

export type ResourceLimitsBlock = z.output<typeof resourceLimitsSchema>;

const atLeastOne = { value: 10_000, text: '1' };

export const retrySchema = z
  .strictObject({
    max_retries: maxRetries.optional(),
    backoff: quantity(parseSpan, {
      description: 'Wait before the first retry.',
      form: spanForm,
      finite: true,
      default: printSpan(retry.backoffMs),
    }).optional(),
    backoff_factor: quantity(parseFactor, {
      description: 'Each wait is the last one times this.',
      form: 'factor such as 2 or 1.5',
      min: atLeastOne,
      finite: true,
      default: printFactor(retry.backoffFactor),
    }).optional(),
    backoff_max: quantity(parseSpan, {
      description: 'The longest wait.',
      form: spanForm,
      finite: true,
      default: printSpan(retry.backoffMaxMs),
    }).optional(),
    memory_growth: quantity(parseFactor, {
      description:
        'An attempt after an out-of-memory kill gets the last memory times this; 1 keeps it.',
      form: 'factor such as 2 or 1.5',
      min: atLeastOne,
      finite: true,
      default: printFactor(retry.memoryGrowth),
    }).optional(),
  })
  .meta({ description: 'What happens after an attempt that failed.' });

export type RetryBlock = z.output<typeof retrySchema>;

export const gangSchema = either(
  z.boolean().meta({ description: '`true`: all of `count` start together, or none.' }),
  z.strictObject({
    min: wholeNumber(1, TASKS_MAX, {
      description: 'Fewer are of no use: so many start together, the others when there is room.',
    }).optional(),
    same: text({
      description:
        'A label of nodes, such as rack; `node` is the very node. All start where it is the same.',
      max: 63,
      filled: true,
    }).optional(),
    same_required: z
      .boolean()
      .meta({ description: 'False: elsewhere, too, rather than not at all.', default: true })
      .optional(),
  }),
  'true, or a map with min',
  { description: 'The tasks of the step start together, all or none.' },
);

export type GangBlock = z.output<typeof gangSchema>;

export const preemptionSchema = z
  .strictObject({
    preemptible: z
      .boolean()
      .meta({ description: 'Whether it may be stopped for others.', default: true })
      .optional(),
    checkpoint_every: quantity(parseSpan, {
      description: 'It saves its work at least this often: a stop loses no more.',
      form: spanForm,
      positive: true,
      finite: true,
    }).optional(),
    restart_time: quantity(parseSpan, {
      description: 'From its start until it works on where it was.',
      form: spanForm,
      finite: true,
      default: '0s',
    }).optional(),
    min_run_time: quantity(parseSpan, {
      description: 'It is left alone for so long after each start.',
      form: spanForm,
      finite: true,
      default: '0s',
    }).optional(),
  })
  .meta({ description: 'What stopping a task for others costs, and whether it may be.' });

export type PreemptionBlock = z.output<typeof preemptionSchema>;

const workers = wholeNumber(1, TASKS_MAX, {
  description: 'How many tasks of the step may run at once.',
  default: 'unlimited',
});
const count = wholeNumber(1, TASKS_MAX, {
  description: 'How many tasks the step has; each finds its index from 0 in `BERTH_TASK_INDEX`.',
  default: documentDefaults.count,
});

export const envSchema = plainMap(
  z.string().regex(/^(?!BERTH_)[^=\p{Cc}]{1,255}$/u, {
    error: 'a name without `=` that does not begin with BERTH_ (those are set by Berth)',
  }),
  { max: ARGUMENT_BYTES_MAX },
  { description: 'Environment variables. Numbers and booleans are passed as they are written.' },
);

const commandShape = {
  run: either(
    text({ description: 'A script for /bin/sh.', max: ARGUMENT_BYTES_MAX, filled: true }),
    z
      .array(plainValue({ max: ARGUMENT_BYTES_MAX }))
      .min(1)
      .max(10_000)
      .meta({ description: 'A program and its arguments, started without a shell.' }),
    'text for /bin/sh, or a list of a program and its arguments',
    { description: 'The command: text for /bin/sh, or a list of a program and its arguments.' },
  ).optional(),
  action: text({
    description: 'A ready-made action instead of `run`: see below.',
    max: 128,
    filled: true,
  }).optional(),
  with: z
    .record(z.string(), z.unknown())
    .meta({ description: 'What the action works with; its keys depend on the action.' })
    .optional(),
  resources: resourcesSchema.optional(),
  resource_limits: resourceLimitsSchema.optional(),
  retry: retrySchema.optional(),
  env: envSchema.optional(),
  cwd: text({
    description:
      'Absolute path of the folder to start in. The folder it was submitted from, when not given.',
    max: 4095,
    filled: true,
    oneLine: true,
  }).optional(),
  affinity: affinitySchema.optional(),
  count: count.optional(),
  gang: gangSchema.optional(),
  preemption: preemptionSchema.optional(),
  ...executionShape,
  ...cacheShape,
};

const ownTask = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,62}$/, { error: 'letters, digits, _ and -, at most 62' })
      .meta({ description: 'Its name: the step `STEP_NAME`. Its number from 0, when not given.' })
      .optional(),
    ...commandShape,
  })
  .meta({ description: 'A task: what it does not say, its step says for it.' });

export type TaskBlock = z.output<typeof ownTask>;

/** What a task runs and how: the keys that a job has at its top and a pipeline has in each step. */
export const taskShape = {
  ...commandShape,
  ...fanOutShape,
  parallel: either(
    workers,
    z.strictObject({
      max_workers: workers.optional(),
      count: count.optional(),
      tasks: z
        .array(ownTask)
        .min(1)
        .max(STEPS_MAX)
        .meta({
          description:
            'Different tasks in one step of a pipeline: each is a step of its own, `STEP_0`, `STEP_1`…, or `STEP` where it is the only one. What needs the step needs all of them.',
        })
        .optional(),
    }),
    'a whole number, or a map with max_workers',
    {
      description:
        'How many tasks may run at once: a number, or a map that may also have the count, or different tasks.',
    },
  ).optional(),
};

export const stepSchema = z
  .strictObject({
    id: z
      .string()
      .regex(STEP_ID, {
        error: 'letters, digits, _ and -, beginning with a letter or digit, at most 63',
      })
      .meta({ description: 'Name of the step, unique in its pipeline.' }),
    needs: either(
      text({ description: 'One step.', max: 63 }),
      z
        .array(text({ description: 'A step.', max: 63 }))
        .max(STEPS_MAX)
        .meta({ description: 'Several steps.' }),
      'a step id, or a list of step ids',
      { description: 'Steps that must have succeeded before this one starts.' },
    ).optional(),
    ...conditionShape,
    ...taskShape,
  })
  .meta({ description: 'One step: tasks of one shape, or different ones.' });

export type StepBlock = z.output<typeof stepSchema>;
