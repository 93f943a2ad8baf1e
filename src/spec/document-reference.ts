import { z } from 'zod';
import { builtInActions } from './actions/registry.ts';
import { autoscalingSchema } from './autoscaling-block.ts';
import { pipelineJsonSchema, siteOnlyBlocks } from './document-schema.ts';
import { publishedSchema } from './fields.ts';
import { argumentsSchema } from './read-command.ts';
import { amountsTable, type KeySchema, markdownTable, pick, table } from './reference-table.ts';
import { serviceSchema } from './service-block.ts';
import { taskShape } from './step-schema.ts';
import { taskEnvironment } from './task-environment.ts';

/** Markdown of every key of a document, made from the schema: `docs/reference/spec.md`. */
export function documentReference(): string {
  const pipeline: KeySchema = pipelineJsonSchema();
  const task: KeySchema = publishedSchema(z.strictObject(taskShape));
  const ofSite = new Set(Object.keys(siteOnlyBlocks));
  const head = pick(
    pipeline,
    (key) =>
      !ofSite.has(key) && !['steps', 'defaults', 'env', 'affinity', 'autoscaling'].includes(key),
  );
  const step = pipeline.properties?.['steps']?.items ?? {};
  const ofStep = pick(step, (key) => ['id', 'needs', 'if', 'on_failure'].includes(key));
  return [
    '# Documents',
    introduction,
    '## Every document',
    table(head),
    '## What is run: a job at its top, a pipeline in each step',
    table(task),
    '## Services: a job that is kept alive',
    'With `service`, a job has neither `count`, `parallel`, `gang` nor `retry`. `startup`, `readiness` and `liveness` take the same keys, one of `http`, `tcp` and `exec` among them.',
    table(publishedSchema(z.strictObject({ service: serviceSchema }))),
    '## Autoscaling: replicas that follow the load',
    'Beside `service`. What it does: [the guide](../guides/services.md#autoscaling).',
    table(publishedSchema(z.strictObject({ autoscaling: autoscalingSchema.optional() }))),
    '## Pipelines only',
    table(
      {
        ...pick(pipeline, (key) => key === 'steps' || key === 'env'),
        required: ['steps'],
      },
      { flat: true },
    ),
    'In each step, beside the keys above:',
    table({ ...ofStep, required: ['id'] }),
    '`defaults` takes `resources`, `resource_limits`, `retry`, `env` and `affinity` as above, for every step that does not say otherwise, key by key. `affinity` at the top of a pipeline is for what neither says.',
    '## Actions',
    ...builtInActions.flatMap((action) => [
      `### \`action: ${action.name}\``,
      action.meaning,
      table(argumentsSchema(action), { prefix: 'with.' }),
    ]),
    '## Environment of a task',
    markdownTable(
      ['Name', 'Meaning'],
      Object.entries(taskEnvironment).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    '## Blocks of the site document',
    'Accepted with a warning, and ignored here: they belong in [the site document](site.md).',
    markdownTable(
      ['Key', 'For'],
      Object.entries(siteOnlyBlocks).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    '## Amounts',
    amountsTable,
    '',
  ].join('\n\n');
}

const introduction = `A document is YAML 1.2 or JSON, at most 1 MiB. With \`steps\` it is a pipeline, with \`run\` or \`action\` a job.
Unknown keys are errors. \`berth check FILE\` shows everything that is wrong at once.
This page is made from the schema; so is the JSON Schema for editors.`;
