import { nearest } from '../../base/nearest.ts';
import { OperationError } from '../../model/errors.ts';
import { type Command, defineCommand } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { EXIT } from '../exit-codes.ts';

const shells: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Takes the registry as a function, because it is in it. */
export const completion = (commands: () => readonly Command[]): Command =>
  defineCommand({
    name: 'completion',
    group: 'Files and settings',
    summary: 'Print a completion script for bash, zsh or fish',
    operand: {
      name: 'shell',
      summary: 'bash, zsh or fish',
      required: true,
      many: false,
      complete: Object.keys(shells),
    },
    options: {},
    json: '{shell, script}',
    examples: [
      'source <(berth completion bash)',
      'berth completion zsh > ~/.zfunc/_berth',
      'berth completion fish > ~/.config/fish/completions/berth.fish',
    ],
    async run({ operands }) {
      const shell = operands[0]!;
      const generate = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
      if (generate === undefined) {
        const near = nearest(shell, Object.keys(shells));
        const meant = near === undefined ? '' : ` (did you mean ${near}?)`;
        throw new OperationError('USAGE', `no completion for ${JSON.stringify(shell)}${meant}`, {
          hint: `There is one for ${Object.keys(shells).join(', ')}.`,
        });
      }
      const script = generate(commands());
      return { document: { shell, script }, view: () => [script.trimEnd()], exit: EXIT.ok };
    },
  });
