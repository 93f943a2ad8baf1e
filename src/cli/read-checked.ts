import { OperationError } from '../model/errors.ts';
import type { SubmittedDocument } from './client.ts';
import type { World } from './world.ts';

/** The document, once it is known to be valid: nothing is sent, and no daemon opened, for one that is not. */
export async function readChecked(file: string, world: World): Promise<SubmittedDocument> {
  const document = await world.documents.read(file);
  const { valid, issues, report } = await world.documents.check(document);
  if (valid) return document;
  const sentence = `${document.fileName} is not valid:\n\n${report.trimEnd()}\n`;
  throw new OperationError('SPEC_INVALID', sentence, { issues, hint: 'Nothing was submitted.' });
}
