import type { Command } from '../command.ts';
import { families, globalWords, optionWords, secondWord } from './option-words.ts';

/** A script for bash ≥ 3.2 without bash-completion. */
export function bashCompletion(commands: readonly Command[]): string {
  const all = [...globalWords, ...commands.flatMap(({ options }) => optionWords(options))];
  const valued = (value: 'folder' | 'other'): string =>
    unique(all.filter((option) => option.value === value).flatMap(({ words }) => words)).join('|');
  const known = families(commands);
  const first = unique(commands.map(({ name }) => name.split(' ')[0]!));
  return `# Completion of berth for bash: source <(berth completion bash)
_berth() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${valued('folder')}|${valued('other')}) ((i++)) ;;
      -*) ;;
      *)
        if [[ -z $command ]]; then
          command=$word
        else
          case $command in ${[...known.keys()].join('|')}) command+=" $word" ;; esac
        fi
        ;;
    esac
  done
  case $prev in
    ${valued('folder')}) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ${valued('other')}) return ;;
  esac
  local options='${wordsOf(globalWords)}' operands=''
  case $command in
    '') operands='${first.join(' ')}' ;;
${[...known].map(([word, members]) => `    ${word}) operands='${members.map(secondWord).join(' ')}' ;;`).join('\n')}
${commands.map(commandCase).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options --help" -- "$cur"))
  elif [[ $operands == '<file>' ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$operands" -- "$cur"))
  fi
}
complete -F _berth berth
`;
}

function commandCase(command: Command): string {
  const own = wordsOf(optionWords(command.options));
  const complete = command.operand?.complete ?? 'none';
  const operands = complete === 'file' ? '<file>' : complete === 'none' ? '' : complete.join(' ');
  const options = own === '' ? '' : ` options+=' ${own}';`;
  const operand = operands === '' ? '' : ` operands='${operands}';`;
  return `    '${command.name}')${options}${operand} ;;`.replace(/; ;;$/, ' ;;');
}

const wordsOf = (options: readonly { readonly words: readonly string[] }[]): string =>
  options.flatMap(({ words }) => words).join(' ');

const unique = (words: readonly string[]): readonly string[] => [...new Set(words)];
