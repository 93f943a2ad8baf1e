import { type Command, commandGroups, type OptionSpec } from './command.ts';
import { globalOptions, longName } from './global-options.ts';
import { wrap } from './text.ts';

/** Columns of help text: fits 80 whatever the terminal. */
const WIDTH = 79;
export function overviewHelp(commands: readonly Command[]): string {
  const lines = [
    'Berth runs AI work on this machine: queued, placed, limited, logged, retried.',
    '',
    'Usage: berth COMMAND [options]',
  ];
  for (const group of commandGroups) {
    const rows = commands
      .filter((command) => command.group === group)
      .map((command) => [command.name, command.summary] as const);
    if (rows.length > 0) lines.push('', `${group}:`, ...definitions(rows));
  }
  lines.push('', 'With every command:', ...definitions(optionRows(globalOptions)));
  lines.push(
    '',
    'Start here:',
    '  berth run examples/quickstart.yaml',
    '  berth help run',
    '  berth help exit-codes',
  );
  return `${lines.join('\n')}\n`;
}

export function commandHelp(command: Command): string {
  const lines = [`Usage: berth ${usage(command)}`, ''];
  lines.push(...wrap(`${command.summary}.`, WIDTH));
  for (const paragraph of command.details ?? []) lines.push('', ...wrap(paragraph, WIDTH));
  if (command.operand !== undefined) {
    const { name, summary } = command.operand;
    lines.push('', 'Arguments:', ...definitions([[name.toUpperCase(), summary]]));
  }
  const own = optionRows(command.options);
  if (own.length > 0) lines.push('', 'Options:', ...definitions(own));
  lines.push('', 'With every command:', ...definitions(optionRows(globalOptions)));
  lines.push('', ...wrap(`With --json: ${command.json}.`, WIDTH));
  if (command.examples !== undefined) {
    lines.push('', 'Examples:', ...command.examples.map((example) => `  ${example}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Help for the first word of two-word commands. */
export function familyHelp(word: string, commands: readonly Command[]): string {
  const rows = commands
    .filter((command) => command.name.startsWith(`${word} `))
    .map((command) => [command.name, command.summary] as const);
  return ['Usage:', ...definitions(rows.map(([n, s]) => [`berth ${n}`, s])), ''].join('\n');
}

/** `run [options] FILE`. */
export function usage(command: Command): string {
  const { operand } = command;
  const options = Object.keys(command.options).length > 0 ? ' [options]' : '';
  if (operand === undefined) return command.name + options;
  const name = operand.name.toUpperCase() + (operand.many ? '...' : '');
  return `${command.name}${options} ${operand.required ? name : `[${name}]`}`;
}

/** Each option as it is written, and what it does. */
export function optionRows(
  options: Readonly<Record<string, OptionSpec>>,
): readonly (readonly [string, string])[] {
  return Object.entries(options).map(([key, spec]) => {
    const short = spec.short === undefined ? '' : `-${spec.short}, `;
    const value = spec.kind === 'flag' ? '' : ` ${spec.value.toUpperCase()}`;
    return [`${short}${longName(key)}${value}`, spec.summary];
  });
}

function definitions(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([term]) => term.length)) + 4;
  return rows.flatMap(([term, meaning]) => {
    const [first, ...rest] = wrap(meaning, WIDTH - width);
    return [`  ${term.padEnd(width - 2)}${first}`, ...rest.map((line) => ' '.repeat(width) + line)];
  });
}
