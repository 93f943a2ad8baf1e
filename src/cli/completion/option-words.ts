import type { Command, OptionSpec } from '../command.ts';
import { globalOptions, longName } from '../global-options.ts';

export interface OptionWords {
  /** As typed: `-f`, `--follow`. */
  readonly words: readonly string[];
  readonly summary: string;
  /** What follows it: nothing, a folder, or something that cannot be completed. */
  readonly value: 'none' | 'folder' | 'other';
  /** Name of the value; empty when it takes none. */
  readonly valueName: string;
}

export const globalWords: readonly OptionWords[] = optionWords(globalOptions);

export function optionWords(options: Readonly<Record<string, OptionSpec>>): readonly OptionWords[] {
  return Object.entries(options).map(([key, spec]) => ({
    words: [...(spec.short === undefined ? [] : [`-${spec.short}`]), longName(key)],
    summary: spec.summary,
    value:
      spec.kind === 'flag' ? 'none' : spec.kind === 'text' ? (spec.complete ?? 'other') : 'other',
    valueName: spec.kind === 'flag' ? '' : spec.value,
  }));
}

/** First words of two-word commands, with their second words. */
export function families(commands: readonly Command[]): ReadonlyMap<string, readonly Command[]> {
  return Map.groupBy(
    commands.filter(({ name }) => name.includes(' ')),
    ({ name }) => name.split(' ')[0]!,
  );
}

export const secondWord = (command: Command): string => command.name.split(' ')[1]!;
