import { roles, sights, tokenRequestSchema } from '../../api/contract/token-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const tokenAdd = defineCommand({
  name: 'token add',
  group: 'Daemon',
  summary: 'Make a token by which a user or program proves who it is',
  details: [
    'The token is printed once, and alone on stdout; the daemon keeps its hash. Whoever has it sets BERTH_URL and BERTH_TOKEN, or passes --url and --token.',
    'A `viewer` looks, a `user` submits and stops its own work, an `admin` may do everything. What belongs to others is not there for it, unless it sees `all` or the site says `multi_tenancy.isolation_level: none`.',
  ],
  operand: {
    name: 'tenant',
    summary: 'name of the user or program, as in `multi_tenancy` of the site file',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    role: { kind: 'text', value: 'role', summary: `${roles.join(', ')} (user)` },
    sees: { kind: 'text', value: 'whose', summary: `${sights.join(' or ')}: whose work it sees` },
    expires: { kind: 'span', value: 'span', summary: 'when it is worthless by itself (never)' },
    note: { kind: 'text', value: 'text', summary: 'what it is for' },
  },
  json: 'NewToken: {id, tenant, role, sees, created_at, expires_at, note, token}',
  examples: [
    'berth token add ana > ana.token',
    'berth token add wall --role viewer --sees all --note "screen in the lab"',
  ],
  async run({ operands, options }, world) {
    const { role, sees, expires, note } = options;
    const request = tokenRequestSchema.safeParse({
      tenant: operands[0],
      ...(role !== undefined && { role }),
      ...(sees !== undefined && { sees }),
      ...(expires !== undefined && { expires_in_ms: expires }),
      ...(note !== undefined && { note }),
    });
    if (!request.success) {
      const [issue] = request.error.issues;
      throw new OperationError('USAGE', `${issue?.path.join('.')}: ${issue?.message}.`);
    }
    const client = await world.daemons.connect();
    const made = await client.addToken(request.data);
    world.note(`token ${made.id} of ${made.tenant}; it is not shown again`);
    return { document: made, view: () => [made.token], exit: EXIT.ok };
  },
});
