import type { Command } from '../command.ts';
import {
  families,
  globalWords,
  type OptionWords,
  optionWords,
  secondWord,
} from './option-words.ts';

/** A completions file for fish ≥ 3. */
export function fishCompletion(commands: readonly Command[]): string {
  const known = families(commands);
  const single = commands.filter(({ name }) => !name.includes(' '));
  return [
    '# Completion of berth for fish: berth completion fish > ~/.config/fish/completions/berth.fish',
    'complete -c berth -f',
    ...globalWords.map((option) => optionLine(option, '')),
    ...single.map(
      ({ name, summary }) =>
        `complete -c berth -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ),
    ...[...known].flatMap(([word, members]) => [
      `complete -c berth -n __fish_use_subcommand -a ${word} -d ${quote(members[0]!.summary)}`,
      ...members.map(
        (member) =>
          `complete -c berth -n '__fish_seen_subcommand_from ${word}' -a ${secondWord(member)} -d ${quote(member.summary)}`,
      ),
    ]),
    ...single.flatMap((command) => {
      const condition = ` -n '__fish_seen_subcommand_from ${command.name}'`;
      const complete = command.operand?.complete ?? 'none';
      return [
        ...optionWords(command.options).map((option) => optionLine(option, condition)),
        ...(complete === 'file' ? [`complete -c berth${condition} -F`] : []),
        ...(Array.isArray(complete)
          ? [`complete -c berth${condition} -a '${complete.join(' ')}'`]
          : []),
      ];
    }),
    '',
  ].join('\n');
}

function optionLine(option: OptionWords, condition: string): string {
  const names = option.words.map((word) =>
    word.startsWith('--') ? ` -l ${word.slice(2)}` : ` -s ${word.slice(1)}`,
  );
  const value = { none: '', folder: " -x -a '(__fish_complete_directories)'", other: ' -x' }[
    option.value
  ];
  return `complete -c berth${condition}${names.join('')}${value} -d ${quote(option.summary)}`;
}

const quote = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
