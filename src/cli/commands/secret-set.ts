import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { secretName, secretOperand } from '../secret-operand.ts';

export const secretSet = defineCommand({
  name: 'secret set',
  group: 'Daemon',
  summary: 'Keep a secret of the site, its value read from stdin',
  details: [
    'Tasks get it by `isolation.secrets`. It is a file of mode 0600 in the state folder of this machine; the value is on no command line, in no log and in no journal. One newline at the end of a single line is taken off.',
  ],
  operand: secretOperand,
  options: {},
  json: '{name, bytes}',
  examples: ['berth secret set hf-token < token.txt'],
  async run({ operands }, world) {
    const name = secretName(operands);
    if (world.terminal.stdin.isTerminal) world.note('type the value, and end it with Ctrl-D');
    const bytes = await world.secrets.set(name);
    return {
      document: { name, bytes },
      view: () => [`${name}: ${bytes} bytes kept.`],
      exit: EXIT.ok,
    };
  },
});
