import type { Page } from './page.ts';
import type { World } from './world.ts';

/** In the order of help and reference. */
export const commandGroups = ['Work', 'Daemon', 'Machine', 'Files and settings'] as const;
export type CommandGroup = (typeof commandGroups)[number];

interface OptionBase {
  /** One letter, without the dash. */
  readonly short?: string;
  readonly summary: string;
}
export type OptionSpec =
  | (OptionBase & { readonly kind: 'flag' })
  | (OptionBase & { readonly kind: 'text'; readonly value: string; readonly complete?: 'folder' })
  /** May be given several times. */
  | (OptionBase & { readonly kind: 'texts'; readonly value: string })
  | (OptionBase & {
      readonly kind: 'count';
      readonly value: string;
      readonly min: number;
      readonly max: number;
    })
  /** Written `90s`, `5m`, `1h30m`; milliseconds in the input. */
  | (OptionBase & { readonly kind: 'span'; readonly value: string });

interface OperandSpec {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  readonly many: boolean;
  readonly complete: 'file' | 'none' | readonly string[];
}

interface OptionValues {
  flag: boolean;
  text: string | undefined;
  texts: readonly string[];
  count: number | undefined;
  span: number | undefined;
}
type ParsedOptions<O extends Readonly<Record<string, OptionSpec>>> = {
  readonly [K in keyof O]: OptionValues[O[K]['kind']];
};

interface CommandInput<O extends Readonly<Record<string, OptionSpec>>> {
  readonly operands: readonly string[];
  readonly options: ParsedOptions<O>;
}

/** What a command found, or did. The printer shows the document with --json, and the view otherwise. */
export interface CommandResult {
  readonly document: unknown;
  readonly view: (page: Page) => readonly string[];
  readonly exit: number;
  /** Pieces of text that come one after the other, in place of document and view. */
  readonly stream?: AsyncIterable<string>;
  /** What is left to do once the result is printed, as long as the command stays; gives the exit code. */
  readonly stay?: () => Promise<number>;
}

interface CommandSpec<O extends Readonly<Record<string, OptionSpec>>> {
  /** One word, or two: `spec schema`. */
  readonly name: string;
  readonly group: CommandGroup;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the line cannot say; paragraphs. */
  readonly details?: readonly string[];
  readonly operand?: OperandSpec;
  readonly options: O;
  /** What --json prints: a schema of the contract, or the shape itself. */
  readonly json: string;
  readonly examples?: readonly string[];
  run(input: CommandInput<O>, world: World): Promise<CommandResult>;
}

export interface Command extends Omit<CommandSpec<Readonly<Record<string, OptionSpec>>>, 'run'> {
  /** `values` come from parsing the command line by this command's own options. */
  run(
    operands: readonly string[],
    values: Readonly<Record<string, unknown>>,
    world: World,
  ): Promise<CommandResult>;
}

export function defineCommand<const O extends Readonly<Record<string, OptionSpec>>>(
  spec: CommandSpec<O>,
): Command {
  return {
    ...spec,
    run: (operands, values, world) =>
      spec.run({ operands, options: values as ParsedOptions<O> }, world),
  };
}
