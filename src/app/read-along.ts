import type { SubmittedDocument } from '../cli/client.ts';
import { readDocument } from '../cli/io/read-document.ts';
import type { GivenVars } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';
import { INCLUDED_FILES_MAX, includedNames } from '../spec/join-includes.ts';

/** The document with the files that it includes, and the values for its variables. */
export async function readAlong(
  document: SubmittedDocument,
  { vars, varsFiles }: GivenVars,
): Promise<SubmittedDocument> {
  const files: Record<string, string> = {};
  const unreadable: Record<string, string> = {};
  const waiting = includedNames(document.text, document.fileName);
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const isKnown = name in files || name in unreadable || name === document.fileName;
    // More than may be is told when the document is parsed.
    if (isKnown || Object.keys(files).length >= INCLUDED_FILES_MAX) continue;
    try {
      const { text } = await readDocument(name, document.cwd);
      files[name] = text;
      waiting.push(...includedNames(text, name));
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      unreadable[name] = error.message.replace(`${name} `, '').replace(/\.$/, '');
    }
  }
  for (const file of varsFiles) files[file] = (await readDocument(file, document.cwd)).text;
  const given = givenVars(vars);
  return {
    ...document,
    ...(Object.keys(files).length > 0 && { files }),
    ...(Object.keys(unreadable).length > 0 && { unreadable }),
    ...(varsFiles.length > 0 && { varsFiles }),
    ...(vars.length > 0 && { vars: given }),
  };
}

function givenVars(written: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    written.map((text) => {
      const [, name, value] = /^([^=]+)=([\s\S]*)$/.exec(text) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      throw new OperationError('USAGE', `--var takes NAME=VALUE, not ${JSON.stringify(text)}.`);
    }),
  );
}
