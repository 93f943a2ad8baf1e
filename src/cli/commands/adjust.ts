import { OperationError } from '../../model/errors.ts';
import { adjustRequestSchema } from '../../spec/adjust-request.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

export const adjust = defineCommand({
  name: 'adjust',
  group: 'Work',
  summary: 'Give a workload that runs more or less: CPU, memory, processes, priority',
  details: [
    'Growing needs room on its node and in its queue; it is all or nothing. What held stands in `terms` of each attempt.',
    'A later attempt begins with what the document says.',
  ],
  operand: {
    name: 'id',
    summary: 'of the workload',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    step: { kind: 'text', value: 'name', summary: 'only this step' },
    task: { kind: 'text', value: 'index', summary: 'only this task of the step, from 0' },
    cpu: { kind: 'text', value: 'cores', summary: 'such as 2 or 500m' },
    memory: { kind: 'text', value: 'bytes', summary: 'such as 4Gi' },
    pids: { kind: 'text', value: 'n', summary: 'processes and threads' },
    priority: { kind: 'text', value: 'n', summary: 'of the whole workload, waiting tasks too' },
    nice: { kind: 'text', value: 'n', summary: '-20 to 19' },
  },
  json: '{adjusted: id, changes: {…}}',
  examples: ['berth adjust 12 --cpu 2 --memory 4Gi', 'berth adjust 12 --priority=-10'],
  async run({ operands, options }, world) {
    const { step, cpu, memory } = options;
    const changes = defined({
      step,
      task: whole('task', options.task),
      cpu,
      memory,
      pids: whole('pids', options.pids),
      priority: whole('priority', options.priority),
      nice: whole('nice', options.nice),
    });
    const read = adjustRequestSchema.safeParse(changes);
    if (!read.success) {
      const [issue] = read.error.issues;
      throw new OperationError('USAGE', `--${issue!.path.join('.')}: ${issue!.message}.`);
    }
    const client = await world.daemons.connect();
    const id = await checkId(client, operands[0]!);
    await withNearMiss(client, id, () => client.adjust(id, changes));
    return {
      document: { adjusted: id, changes },
      view: () => [`Adjusted ${id}. See \`berth why ${id}\` for what holds.`],
      exit: EXIT.ok,
    };
  },
});

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new OperationError('USAGE', `--${name}: '${text}' is not a whole number.`);
}

const defined = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
