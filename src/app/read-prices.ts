import { readDocument } from '../cli/io/read-document.ts';
import { OperationError } from '../model/errors.ts';
import { type MoneyConfig, NO_MONEY } from '../model/money.ts';
import { formatIssues } from '../spec/format-issues.ts';
import { parsePrices } from '../spec/price-document.ts';

/** The price file; no prices without one. Rejects with FILE_UNREADABLE, or with SPEC_INVALID and all that is wrong. */
export async function readPrices(
  file: string | undefined,
): Promise<Pick<MoneyConfig, 'prices' | 'sliceMs'>> {
  if (file === undefined) return NO_MONEY;
  const { text } = await readDocument(file, '/');
  const parsed = parsePrices(text, { fileName: file });
  if (parsed.ok) return parsed.prices;
  const report = formatIssues(parsed.issues, text, file).trimEnd();
  throw new OperationError('SPEC_INVALID', `The price file is not valid.\n${report}`, {
    issues: parsed.issues,
    hint: 'See docs/guides/money.md.',
  });
}
