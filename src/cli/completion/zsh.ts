import type { Command } from '../command.ts';
import {
  families,
  globalWords,
  type OptionWords,
  optionWords,
  secondWord,
} from './option-words.ts';

/** A function file for zsh's compinit. */
export function zshCompletion(commands: readonly Command[]): string {
  const known = families(commands);
  const words = [
    ...commands
      .filter(({ name }) => !name.includes(' '))
      .map(({ name, summary }) => [name, summary] as const),
    ...[...known].map(([word, members]) => [word, members[0]!.summary] as const),
  ];
  return `#compdef berth
# Completion of berth for zsh: berth completion zsh > ~/.zfunc/_berth, a folder of fpath
_berth() {
  local curcontext=$curcontext state line
  local -a globals words_of
  globals=(
${globalWords.map(optionSpec).join('\n')}
  )
  _arguments -C $globals '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      words_of=(
${words.map(([word, summary]) => `        ${quote(`${word}:${summary}`)}`).join('\n')}
      )
      _describe command words_of
      ;;
    argument)
      case $words[1] in
${commands
  .filter(({ name }) => !name.includes(' '))
  .map(commandCase)
  .join('\n')}
${[...known].map(familyCase).join('\n')}
      esac
      ;;
  esac
}
if [[ $funcstack[1] == _berth ]]; then
  _berth "$@"
else
  compdef _berth berth
fi
`;
}

function commandCase(command: Command): string {
  const specs = [...optionWords(command.options).map(optionSpec), operandSpec(command)];
  const lines = specs.filter((spec) => spec !== '').map((spec) => ` \\\n      ${spec}`);
  return `        ${command.name}) _arguments $globals${lines.join('')} ;;`;
}

function familyCase([word, members]: readonly [string, readonly Command[]]): string {
  return `        ${word}) _values command ${members.map((member) => quote(`${secondWord(member)}[${bracketed(member.summary)}]`)).join(' ')} ;;`;
}

function operandSpec({ operand }: Command): string {
  if (operand === undefined) return '';
  const action =
    operand.complete === 'file'
      ? '_files'
      : operand.complete === 'none'
        ? ' '
        : `(${operand.complete.join(' ')})`;
  return `    ${quote(`*:${operand.name}:${action}`)}`;
}

function optionSpec(option: OptionWords): string {
  const { words, summary, value, valueName } = option;
  const action = value === 'none' ? '' : `:${valueName}:${value === 'folder' ? '_files -/' : ' '}`;
  return words.map((word) => `    ${quote(`${word}[${bracketed(summary)}]${action}`)}`).join(' ');
}

const bracketed = (text: string): string => text.replace(/[[\]\\]/g, '\\$&');

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
