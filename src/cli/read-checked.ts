import { OperationError } from '../model/errors.ts';
import type { SubmittedDocument } from './client.ts';
import type { OptionSpec } from './command.ts';
import type { GivenVars, World } from './world.ts';

/** The document, once it is known to be valid: nothing is sent, and no daemon opened, for one that is not. */
export async function readChecked(
  file: string,
  world: World,
  vars?: GivenVars,
): Promise<SubmittedDocument> {
  const document = await world.documents.read(file, vars);
  const { valid, issues, report } = await world.documents.check(document);
  if (valid) return document;
  const sentence = `${document.fileName} is not valid:\n\n${report.trimEnd()}\n`;
  throw new OperationError('SPEC_INVALID', sentence, { issues, hint: 'Nothing was submitted.' });
}

/** Of every command that reads a document. */
export const varOptions = {
  var: {
    kind: 'texts',
    value: 'name=value',
    summary: 'a value for a variable of the document; may be given several times',
  },
  vars: {
    kind: 'texts',
    value: 'file',
    summary: 'a file of such values; may be given several times',
  },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** Nothing where no values were given: then what a document includes alone decides what is read. */
export function givenVars(options: {
  readonly var: readonly string[];
  readonly vars: readonly string[];
}): GivenVars | undefined {
  if (options.var.length === 0 && options.vars.length === 0) return undefined;
  return { vars: options.var, varsFiles: options.vars };
}
