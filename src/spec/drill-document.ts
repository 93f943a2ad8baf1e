import { z } from 'zod';
import { spanMs, UNLIMITED } from '../base/units.ts';
import type { DrillJob, DrillNodes, DrillTerms, DrillVariant } from '../model/drill.ts';
import { quantity, text, wholeNumber } from './fields.ts';
import type { Issue } from './issue.ts';
import { parseBytes, parseCpu, parseGpu, shown } from './quantities.ts';
import { readCures, readWorld } from './read-world.ts';
import { span } from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';
import { checkKeys, openDocument } from './world-document.ts';
import { cureFields, plainName } from './world-schema.ts';

const NODES_MAX = 10_000;
const SUBMITTED_MAX = 100_000;
/** As long as a record of them is kept, second by second. */
const REQUESTS_MS_MAX = 7 * 86_400_000;
const GIB = 1024 ** 3;

const cpu = (initial: number) =>
  quantity(parseCpu, { description: 'Cores.', form: 'cores such as 4', default: initial });
const memory = (initial: string) =>
  quantity(parseBytes, { description: 'Memory.', form: 'bytes such as 16Gi', default: initial });

const nodesSchema = z
  .array(
    z.strictObject({
      name: plainName('Of the nodes, before their number.').optional(),
      count: wholeNumber(1, NODES_MAX, { description: 'How many.' }),
      cpu: cpu(4).optional(),
      memory: memory('16Gi').optional(),
      gpus: wholeNumber(0, 64, { description: 'Devices of each.', default: 0 }).optional(),
      racks: wholeNumber(1, NODES_MAX, {
        description: 'They stand in so many, with the label `rack`.',
        default: 1,
      }).optional(),
      labels: z
        .record(z.string().max(253), z.string().max(253))
        .meta({ description: 'Further labels.' })
        .optional(),
    }),
  )
  .min(1)
  .max(64);

const jobsSchema = z
  .array(
    z.strictObject({
      name: plainName('Of the job.'),
      tenant: plainName('Who submits it; drill, when not given.').optional(),
      priority: z.int().min(-1000).max(1000).meta({ description: 'Higher goes first.' }).optional(),
      at: span('When it comes.', { default: '0s' }).optional(),
      times: wholeNumber(1, SUBMITTED_MAX, { description: 'So often.', default: 1 }).optional(),
      every: span('From one to the next.', { default: '0s' }).optional(),
      count: wholeNumber(1, NODES_MAX, { description: 'Tasks of each.', default: 1 }).optional(),
      cpu: cpu(1).optional(),
      memory: memory('0').optional(),
      gpu: quantity(parseGpu, {
        description: 'Devices of a task, or a share of one.',
        form: 'GPUs such as 1, 4 or 0.5',
        default: 0,
      }).optional(),
      gang: z.boolean().meta({ description: 'All of its tasks start together.' }).optional(),
      run: span('How long a task works when nothing disturbs it.', { positive: true }),
      estimate: span('What its user says; nothing, when not given.', { positive: true }).optional(),
      retries: wholeNumber(0, 1_000, { description: 'After failures.', default: 0 }).optional(),
      preemptible: z
        .boolean()
        .meta({ description: 'Others may stop it.', default: true })
        .optional(),
      checkpoint: span('It saves its work so often; never, when not given.', {
        positive: true,
      }).optional(),
      restart: span('Until it works on from there.', { default: '0s' }).optional(),
    }),
  )
  .min(1)
  .max(1_000);

const variantSchema = z.strictObject({
  policy: plainName('As `berth sim --policy` takes it.').optional(),
  preemption: z.boolean().meta({ description: 'Who goes first may stop others.' }).optional(),
  ...cureFields,
});

const headSchema = z.strictObject({
  name: plainName('Of the drill.'),
  what: text({ description: 'What happens, and what it is to show.', max: 2_000, filled: true }),
  for: span('So long it is played.', { positive: true }),
});

const variantsSchema = z
  .record(z.string().max(64), variantSchema.nullable())
  .meta({ description: 'By name. The first one is what the others are compared with.' });

/** The keys of a drill beside `world`. */
export const drillBlocks = {
  drill: headSchema.meta({ description: 'What is played.' }),
  nodes: nodesSchema.meta({ description: 'The machines, of each kind.' }),
  jobs: jobsSchema.meta({ description: 'What is submitted.' }),
  variants: variantsSchema,
} as const;

export type ParsedDrill =
  | { readonly ok: true; readonly drill: DrillTerms }
  /** Errors only, sorted by position; at most 100. */
  | { readonly ok: false; readonly issues: readonly Issue[] };

const keys = ['drill', 'nodes', 'jobs', 'world', 'variants'];

/** A document with `drill`, `nodes`, `jobs` and `world` → what is played. Never throws for what the text says. */
export function parseDrill(source: string): ParsedDrill {
  const opened = openDocument(source);
  if (opened.reading === undefined) return { ok: false, issues: opened.issues };
  const { reading, issues } = opened;
  checkKeys(reading, ['drill', 'nodes', 'jobs'], keys);
  const head = reading.read(headSchema, ['drill']);
  if (head?.for === UNLIMITED) reading.error(['drill', 'for'], 'a drill has an end');
  const nodes = (reading.read(nodesSchema, ['nodes']) ?? []).map(readNodes);
  const jobs = (reading.read(jobsSchema, ['jobs']) ?? []).map(readJob);
  checkSums(reading, nodes, jobs);
  const world = readWorld(reading, ['world']);
  const variants = readVariants(reading);
  const workload = world.requests?.workload;
  if (workload !== undefined && (head?.for ?? 0) > REQUESTS_MS_MAX) {
    reading.error(['drill', 'for'], 'requests come for a week at most', { expected: 'at most 7d' });
  }
  if (workload !== undefined && !jobs.some(({ name }) => name === workload)) {
    const near = { word: workload.slice(0, 64), words: jobs.map(({ name }) => name) };
    reading.error(['world', 'requests', 'workload'], `no job is called ${shown(workload)}`, {
      near,
    });
  }
  if (head === undefined || reading.errors.length > 0) return { ok: false, issues: issues() };
  const { name, what, for: forMs } = head;
  return { ok: true, drill: { name, what, forMs, nodes, jobs, world, variants } };
}

const readNodes = (block: z.output<typeof nodesSchema>[number]): DrillNodes => ({
  name: block.name ?? 'n',
  count: block.count,
  cpu: block.cpu ?? (4_000 as DrillNodes['cpu']),
  memory: block.memory ?? ((16 * GIB) as DrillNodes['memory']),
  gpus: block.gpus ?? 0,
  racks: block.racks ?? 1,
  labels: block.labels ?? {},
});

const readJob = (block: z.output<typeof jobsSchema>[number]): DrillJob => ({
  name: block.name,
  tenant: block.tenant ?? 'drill',
  priority: block.priority ?? 0,
  atMs: block.at ?? spanMs(0),
  times: block.times ?? 1,
  everyMs: block.every ?? spanMs(0),
  count: block.count ?? 1,
  cpu: block.cpu ?? (1_000 as DrillJob['cpu']),
  memory: block.memory ?? (0 as DrillJob['memory']),
  gpu: block.gpu ?? (0 as DrillJob['gpu']),
  gang: block.gang ?? false,
  runMs: block.run,
  ...(block.estimate !== undefined && { estimateMs: block.estimate }),
  retries: block.retries ?? 0,
  preemptible: block.preemptible ?? true,
  ...(block.checkpoint !== undefined && { checkpointMs: block.checkpoint }),
  restartMs: block.restart ?? spanMs(0),
});

function checkSums(
  reading: SiteReading,
  nodes: readonly DrillNodes[],
  jobs: readonly DrillJob[],
): void {
  const names = nodes.map(({ name }) => name);
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i) {
      reading.error(['nodes', i], `nodes before these are called ${shown(name)}, too`);
    }
  });
  if (nodes.reduce((sum, { count }) => sum + count, 0) > NODES_MAX) {
    reading.error(['nodes'], 'these are too many nodes', { expected: `at most ${NODES_MAX}` });
  }
  if (jobs.reduce((sum, { times, count }) => sum + times * count, 0) > SUBMITTED_MAX) {
    const expected = `at most ${SUBMITTED_MAX} in all`;
    reading.error(['jobs'], 'these are too many tasks', { expected });
  }
}

function readVariants(reading: SiteReading): DrillVariant[] {
  const written = reading.value(['variants']);
  if (written === undefined) return [{ name: 'as it is', policy: 'easy', preemption: false }];
  const variants = Object.entries(reading.read(variantsSchema, ['variants']) ?? {}).map(
    ([name, block]): DrillVariant => ({
      name,
      policy: block?.policy ?? 'easy',
      preemption: block?.preemption ?? false,
      ...readCures(block ?? {}),
    }),
  );
  if (variants.length === 0) reading.error(['variants'], 'there is nothing to play', { at: 'key' });
  return variants;
}
