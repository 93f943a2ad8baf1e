import { nearest } from '../../base/nearest.ts';
import { OperationError } from '../../model/errors.ts';
import { type Command, defineCommand } from '../command.ts';
import { EXIT, exitCodeTable } from '../exit-codes.ts';
import { commandHelp, familyHelp, optionRows, overviewHelp, usage } from '../help.ts';
import type { Page } from '../page.ts';
import { renderTable } from '../table.ts';

const EXIT_CODES = 'exit-codes';

/** Takes the registry as a function, because it is in it. */
export const help = (commands: () => readonly Command[]): Command =>
  defineCommand({
    name: 'help',
    group: 'Files and settings',
    summary: 'Explain a command, or the exit codes',
    operand: {
      name: 'topic',
      summary: `a command, or ${EXIT_CODES}`,
      required: false,
      many: true,
      complete: 'none',
    },
    options: {},
    json: '{commands: [{name, usage, summary, options, json}, …]}, or {exit_codes: […]}',
    async run({ operands }) {
      const topic = operands.join(' ');
      if (topic === EXIT_CODES) {
        return {
          document: { exit_codes: exitCodeTable() },
          view: renderExitCodes,
          exit: EXIT.ok,
        };
      }
      const found = commands().filter(
        ({ name }) => topic === '' || name === topic || name.startsWith(`${topic} `),
      );
      if (found.length === 0) throw unknownTopic(topic, commands());
      const text =
        topic === ''
          ? overviewHelp(commands())
          : found[0]!.name === topic
            ? commandHelp(found[0]!)
            : familyHelp(topic, commands());
      return {
        document: { commands: found.map(described) },
        view: () => [text.trimEnd()],
        exit: EXIT.ok,
      };
    },
  });

const described = (command: Command) => ({
  name: command.name,
  usage: `berth ${usage(command)}`,
  summary: command.summary,
  options: optionRows(command.options).map(([option, summary]) => ({ option, summary })),
  json: command.json,
});

function renderExitCodes(page: Page): readonly string[] {
  return renderTable(
    page,
    [
      { title: 'CODE', align: 'right' },
      { title: 'MEANING', min: 30 },
      { title: 'ERRORS', min: 12 },
    ],
    exitCodeTable().map(({ code, meaning, errors }) => [String(code), meaning, errors.join(', ')]),
  );
}

function unknownTopic(topic: string, commands: readonly Command[]): OperationError {
  const near = nearest(topic, [EXIT_CODES, ...commands.map(({ name }) => name)]);
  const meant = near === undefined ? '' : ` (did you mean ${near}?)`;
  return new OperationError('USAGE', `no help on ${JSON.stringify(topic)}${meant}`);
}
