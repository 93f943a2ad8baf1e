import { silenceRequestSchema } from '../../api/contract/alert-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';

const FOR_MS = 3_600_000;

export const alertsSilence = defineCommand({
  name: 'alerts silence',
  group: 'Machine',
  summary: 'Tell nobody of some alerts for a time; who is told later, is not either',
  details: [
    'Only who is told changes: what rules do is done all the same. The id is printed, alone on stdout. Admins only.',
  ],
  operand: {
    name: 'match',
    summary: 'name of a rule, or LABEL=VALUE; an alert has all of them',
    required: true,
    many: true,
    complete: 'none',
  },
  options: {
    for: { kind: 'span', value: 'span', summary: 'so long (1h)' },
    comment: { kind: 'text', value: 'text', summary: 'why' },
  },
  json: 'Silence: {id, matches, until, by, comment}',
  examples: [
    'berth alerts silence cpu_high --for 2h --comment "load test"',
    'berth alerts silence resource=io mount=/scratch --for 1d',
  ],
  async run({ operands, options }, world) {
    const matches = Object.fromEntries(operands.map(matchOf));
    const request = silenceRequestSchema.safeParse({
      matches,
      for_ms: options.for ?? FOR_MS,
      ...(options.comment !== undefined && { comment: options.comment }),
    });
    if (!request.success) {
      const [issue] = request.error.issues;
      throw new OperationError('USAGE', `${issue?.path.join('.')}: ${issue?.message}.`);
    }
    const client = await world.daemons.connect();
    const made = await client.addSilence(request.data);
    world.note(
      `until ${formatMoment(made.until, world.now())}; \`berth alerts unsilence ${made.id}\` ends it`,
    );
    return { document: made, view: () => [made.id], exit: EXIT.ok };
  },
});

function matchOf(written: string): readonly [string, string] {
  const [, label, value] = /^([A-Za-z_]\w*)=(.*)$/.exec(written) ?? [];
  return label === undefined ? ['alert', written] : [label, value!];
}
