import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { secretName, secretOperand } from '../secret-operand.ts';

export const secretRemove = defineCommand({
  name: 'secret remove',
  group: 'Daemon',
  summary: 'Forget a secret of the site; tasks that run keep what they were given',
  operand: secretOperand,
  options: {},
  json: '{name}',
  async run({ operands }, world) {
    const name = secretName(operands);
    if (!(await world.secrets.remove(name))) {
      const hint = 'See `berth secret list`.';
      throw new OperationError('NOT_FOUND', `There is no secret ${name}.`, { name, hint });
    }
    return { document: { name }, view: () => [`${name} is forgotten.`], exit: EXIT.ok };
  },
});
