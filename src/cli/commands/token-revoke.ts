import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const tokenRevoke = defineCommand({
  name: 'token revoke',
  group: 'Daemon',
  summary: 'Make a token worthless from now on',
  details: ['What was submitted with it goes on.'],
  operand: {
    name: 'id',
    summary: 'of the token, as `berth token list` shows it',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {},
  json: '{id}',
  examples: ['berth token revoke 3f9a1c0b7d22'],
  async run({ operands }, world) {
    const id = operands[0]!;
    const client = await world.daemons.connect();
    await client.revokeToken(id);
    return { document: { id }, view: () => [`${id} is worth nothing any more.`], exit: EXIT.ok };
  },
});
