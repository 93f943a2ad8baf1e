import { z } from 'zod';
import { actionsSchema } from './actions/own-actions.ts';
import { affinitySchema } from './affinity-schema.ts';
import { autoscalingSchema } from './autoscaling-block.ts';
import { costOptimizationSchema } from './blocks/cost-optimization-block.ts';
import { pipelineBlockSchema } from './blocks/limits-block.ts';
import { modelsSchema } from './blocks/models-block.ts';
import { monitoringSchema } from './blocks/monitoring-block.ts';
import { networkBlock } from './blocks/network-block.ts';
import { optimizationSchema } from './blocks/optimization-block.ts';
import { executionShape } from './blocks/read-execution.ts';
import { requirementsSchema } from './blocks/requirements-block.ts';
import { documentDefaults } from './defaults.ts';
import { varsSchema } from './document-vars.ts';
import { either, plainMap, publishedSchema, text, wholeNumber } from './fields.ts';
import { INCLUDE_DEPTH_MAX, INCLUDED_FILES_MAX } from './join-includes.ts';
import { className } from './priority-class-block.ts';
import { serviceSchema } from './service-block.ts';
import {
  envSchema,
  resourceLimitsSchema,
  resourcesSchema,
  retrySchema,
  STEPS_MAX,
  stepSchema,
  taskShape,
} from './step-schema.ts';

/** Blocks of the vocabulary that belong in a site document: in a workload only their form is looked at. */
export const siteOnlyBlocks = {
  compute: 'Spot nodes.',
  multi_tenancy: 'Limits of users and teams.',
  qos: 'Classes of service.',
  queues: 'Queues and their sizes.',
  reservations: 'Capacity that is kept for a time.',
  scheduling: 'Order and fairness.',
} as const;

const siteOnlyShape = Object.fromEntries(
  Object.entries(siteOnlyBlocks).map(([name, meaning]) => [
    name,
    z
      .union([z.record(z.string(), z.unknown()), z.array(z.unknown())], {
        error: 'a map or a list',
      })
      .meta({
        description: `${meaning} Belongs in the site document of the daemon; ignored here.`,
        title: 'map or list',
      })
      .optional(),
  ]),
);

const includePath = text({
  description: 'A path from the folder of the file that has it.',
  max: 1024,
  filled: true,
  oneLine: true,
}).refine((path) => !path.startsWith('/'), {
  error: 'an absolute path; give one from the folder of this file',
});

const headShape = {
  include: either(
    includePath,
    z
      .array(includePath)
      .min(1)
      .max(INCLUDED_FILES_MAX)
      .meta({ description: 'Several, in this order.' }),
    'a path, or a list of paths',
    {
      description: `Files whose keys are this document's, too, beside it: maps are joined key by key, and what is nearer to this document counts; their \`steps\` go before its own. At most ${INCLUDED_FILES_MAX}, ${INCLUDE_DEPTH_MAX} within each other.`,
    },
  ).optional(),
  vars: varsSchema.optional(),
  actions: actionsSchema.optional(),
  name: text({
    description: 'Name for people. The name of the file, when not given.',
    max: 128,
    filled: true,
    oneLine: true,
  }).optional(),
  queue: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, {
      error: 'letters, digits, _ . and -, beginning with a letter or digit, at most 63',
    })
    .meta({ description: 'The queue it waits in.', default: documentDefaults.queue })
    .optional(),
  priority: wholeNumber(-1000, 1000, {
    description: 'Higher goes first.',
    default: documentDefaults.priority,
  }).optional(),
  class: className
    .meta({
      description:
        'Its priority class, one of `scheduling.classes` of the site: its priority, whether its tasks may be stopped, and what is kept for them. With a class, `priority` may be lower than that of the class. Here, too, a class of service may be given, as in `resource_requirements.class`.',
    })
    .optional(),
  labels: plainMap(
    z
      .string()
      .regex(/^[^\p{Cc}]{1,253}$/u, { error: 'a name of at most 253 characters on one line' }),
    { max: 1024 },
    { description: 'Names and values for people and programs, and for the `affinity` of others.' },
  ).optional(),
  pipeline: pipelineBlockSchema.optional(),
  resource_requirements: requirementsSchema.optional(),
  optimization: optimizationSchema.optional(),
  cost_optimization: costOptimizationSchema.optional(),
  autoscaling: autoscalingSchema.optional(),
  models: modelsSchema.optional(),
  monitoring: monitoringSchema.optional(),
};

export const jobSchema = z
  .strictObject({
    ...headShape,
    ...taskShape,
    service: serviceSchema.optional(),
    ...siteOnlyShape,
  })
  .meta({
    title: 'job',
    description: 'A job: tasks of one shape, run to their end; or, with `service`, kept alive.',
  });

export const pipelineSchema = z
  .strictObject({
    ...headShape,
    steps: z
      .array(stepSchema)
      .min(1)
      .max(STEPS_MAX)
      .meta({ description: 'The steps, in any order; `needs` orders them.' }),
    defaults: z
      .strictObject({
        resources: resourcesSchema.optional(),
        resource_limits: resourceLimitsSchema.optional(),
        retry: retrySchema.optional(),
        env: envSchema.optional(),
        affinity: affinitySchema.optional(),
      })
      .meta({ description: 'For every step that does not say otherwise, key by key.' })
      .optional(),
    env: envSchema.optional(),
    network: networkBlock.schema
      .meta({ description: 'For the tasks of every step that does not say otherwise, key by key.' })
      .optional(),
    affinity: affinitySchema.optional(),
    storage: executionShape.storage.meta({
      description: 'For every step that has none of its own.',
    }),
    ...siteOnlyShape,
  })
  .meta({ title: 'pipeline', description: 'A pipeline: steps that need each other.' });

/** The keys of a job and of a pipeline that are about it as a whole. */
export const wholeKeys = [
  'pipeline',
  'resource_requirements',
  'optimization',
  'cost_optimization',
  'models',
  'monitoring',
] as const;

let jobForm: object | undefined;
let pipelineForm: object | undefined;
/** Made when they are first asked for: 20 ms each, and no valid document needs them. */
export function jobJsonSchema(): object {
  jobForm ??= publishedSchema(jobSchema);
  return jobForm;
}
export function pipelineJsonSchema(): object {
  pipelineForm ??= publishedSchema(pipelineSchema);
  return pipelineForm;
}

/** JSON Schema (draft 2020-12) of both forms, for editors and for people who write documents by program. */
export function documentJsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Berth document',
    description: 'A job (`run` or `action` at the top) or a pipeline (`steps`).',
    type: 'object',
    // Not anyOf: with a condition, an editor shows the errors of the form that was meant.
    if: { required: ['steps'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: pipelineJsonSchema(),
    else: jobJsonSchema(),
  };
}
