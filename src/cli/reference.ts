import { type Command, commandGroups } from './command.ts';
import { exitCodeTable } from './exit-codes.ts';
import { globalOptions } from './global-options.ts';
import { optionRows, usage } from './help.ts';
import { registry } from './registry.ts';

/** `docs/reference/cli.md`. */
export function cliReference(): string {
  const lines = [
    '# The command `berth`',
    '',
    'Generated from `src/cli/registry.ts`.',
    '',
    'Data goes to stdout, progress and messages to stderr. With `--json` a command prints one JSON document on stdout: its own, or when it fails a `Problem` (RFC 9457) like the API’s. The schemas named here are those of the API (`/openapi.json`).',
    '',
    '## With every command',
    '',
    ...optionTable(optionRows(globalOptions)),
  ];
  for (const group of commandGroups) {
    lines.push('', `## ${group}`);
    for (const command of registry)
      if (command.group === group) lines.push('', ...section(command));
  }
  lines.push('', '## Exit codes', '', '| code | meaning | errors |', '|---:|---|---|');
  for (const { code, meaning, errors } of exitCodeTable()) {
    lines.push(
      `| ${code} | ${cell(meaning)} | ${errors.map((error) => `\`${error}\``).join(', ')} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function section(command: Command): readonly string[] {
  const lines = [`### \`berth ${usage(command)}\``, '', `${command.summary}.`];
  for (const paragraph of command.details ?? []) lines.push('', paragraph);
  if (command.operand !== undefined) {
    lines.push('', `\`${command.operand.name.toUpperCase()}\`: ${command.operand.summary}.`);
  }
  const options = optionRows(command.options);
  if (options.length > 0) lines.push('', ...optionTable(options));
  lines.push('', `With \`--json\`: \`${command.json.replaceAll('`', '')}\`.`);
  if (command.examples !== undefined) lines.push('', '```sh', ...command.examples, '```');
  return lines;
}

const optionTable = (rows: readonly (readonly [string, string])[]): readonly string[] => [
  '| option | what it does |',
  '|---|---|',
  ...rows.map(([option, summary]) => `| \`${cell(option)}\` | ${cell(summary)} |`),
];

const cell = (text: string): string => text.replaceAll('|', '\\|');
