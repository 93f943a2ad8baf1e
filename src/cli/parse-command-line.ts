import {
  Command as CommanderCommand,
  CommanderError,
  InvalidArgumentError,
  Option,
} from 'commander';
import { OperationError } from '../model/errors.ts';
import { parseSpan } from '../spec/quantities.ts';
import type { Command, OptionSpec } from './command.ts';
import { globalOptions } from './global-options.ts';
import { commandHelp, familyHelp, overviewHelp } from './help.ts';
import type { GlobalFlags } from './settings.ts';

export type CommandLine =
  | {
      readonly kind: 'command';
      readonly command: Command;
      readonly operands: readonly string[];
      readonly values: Readonly<Record<string, unknown>>;
      readonly flags: GlobalFlags;
    }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' };

/** Rejects what is wrong with USAGE and, where one is near, what was probably meant. */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
): CommandLine {
  let parsed: CommandLine | undefined;
  let help = '';
  const program = describe(new CommanderCommand('berth'), () => overviewHelp(commands));
  program.version('', '-V, --version');
  for (const [name, spec] of Object.entries(globalOptions)) {
    program.addOption(toCommander(name === 'color' ? 'no-color' : name, spec));
  }
  for (const command of commands) {
    const parent = family(program, command, commands);
    const own = describe(parent.command(command.name.split(' ').at(-1)!), () =>
      commandHelp(command),
    );
    if (command.operand !== undefined) own.argument(operandSyntax(command.operand));
    for (const [name, spec] of Object.entries(command.options)) {
      own.addOption(toCommander(name, spec));
    }
    own.action(() => {
      const { operands, values, flags } = collect(own, program);
      parsed = { kind: 'command', command, operands, values, flags };
    });
  }
  program.configureOutput({});
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.version') return { kind: 'version' };
    if (!error.code.startsWith('commander.help')) throw usageError(error);
  }
  return parsed ?? { kind: 'help', text: help };

  function describe(command: CommanderCommand, text: () => string): CommanderCommand {
    return command
      .exitOverride()
      .helpCommand(false)
      .helpOption('-h, --help')
      .configureHelp({ formatHelp: text })
      .configureOutput({
        writeOut: (written) => {
          help = written;
        },
        writeErr: (written) => {
          help = written;
        },
      });
  }

  function family(
    root: CommanderCommand,
    command: Command,
    all: readonly Command[],
  ): CommanderCommand {
    const [first, second] = command.name.split(' ');
    if (second === undefined) return root;
    return (
      root.commands.find((known) => known.name() === first) ??
      describe(root.command(first!), () => familyHelp(first!, all))
    );
  }
}

function collect(own: CommanderCommand, program: CommanderCommand) {
  const values = { ...own.opts() };
  // Where the first of two words has an option of the same name, it was taken for that.
  for (const option of own.options) {
    const name = option.attributeName();
    const { parent } = own;
    if (parent !== program && parent?.getOptionValueSource(name) === 'cli') {
      values[name] = parent.getOptionValue(name);
    }
  }
  return { operands: own.args, values, flags: program.opts<GlobalFlags>() };
}

function operandSyntax(operand: NonNullable<Command['operand']>): string {
  const name = operand.many ? `${operand.name}...` : operand.name;
  return operand.required ? `<${name}>` : `[${name}]`;
}

function toCommander(name: string, spec: OptionSpec): Option {
  const long = `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  const value = spec.kind === 'flag' ? '' : ` <${spec.value}>`;
  const option = new Option(`${short}${long}${value}`, spec.summary);
  switch (spec.kind) {
    case 'flag':
      return name.startsWith('no-') ? option : option.default(false);
    case 'text':
      return option;
    case 'texts':
      return option
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([]);
    case 'count':
      return option.argParser((text) => {
        const n = Number(text);
        if (/^\d+$/.test(text) && n >= spec.min && n <= spec.max) return n;
        throw new InvalidArgumentError(`It must be a whole number, ${spec.min} to ${spec.max}.`);
      });
    case 'span':
      return option.argParser((text) => {
        const span = parseSpan(text);
        if (span.ok) return span.value;
        throw new InvalidArgumentError('It must be a time like 90s, 5m or 1h30m.');
      });
  }
}

/** `unknown option '--jsno' (did you mean --json?)`, without commander's prefix and line breaks. */
function usageError(error: CommanderError): OperationError {
  const sentence = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\(Did/, ' (did')
    .replace(/\s*\n\s*/g, ' ');
  return new OperationError('USAGE', sentence);
}
