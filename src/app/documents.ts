import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { TimeMs } from '../base/units.ts';
import type { SubmittedDocument } from '../cli/client.ts';
import { readDocument } from '../cli/io/read-document.ts';
import type { Documents } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';
import type { Issue } from '../spec/issue.ts';

type Parsed =
  | { readonly ok: true; readonly warnings: readonly Issue[]; readonly spec?: unknown }
  | { readonly ok: false; readonly issues: readonly Issue[] };

async function parseAsWhatItIs(document: SubmittedDocument, cwd: string): Promise<Parsed> {
  const { text, fileName } = document;
  const { isPriceDocument, parsePrices } = await import('../spec/price-document.ts');
  // Before sites: `models` is a block of both, and only here a list.
  if (isPriceDocument(text, { fileName })) {
    const parsed = parsePrices(text, { fileName });
    return parsed.ok ? { ok: true, warnings: [] } : parsed;
  }
  const { isSiteDocument, parseSite, pluginFiles } = await import('../spec/site-document.ts');
  if (isSiteDocument(text, { fileName })) {
    const { siteNames } = await import('./site-names.ts');
    const files = pluginFiles(text, { fileName });
    if (files.length === 0) return parseSite(text, { fileName, ...siteNames() });
    const { loadPlugins } = await import('./load-plugins.ts');
    const plugins = await loadPlugins(files, { siteFile: resolve(cwd, fileName) });
    return parseSite(text, { fileName, ...siteNames(plugins) });
  }
  const { parseDocument } = await import('../spec/parse-document.ts');
  const { parseOptions } = await import('./parse-submission.ts');
  const { zoneReader } = await import('./zone-reader.ts');
  // What zone the site has, and what it says of documents, only its daemon knows.
  const zoneOf = zoneReader('UTC', () => Date.now() as TimeMs);
  return parseDocument(text, { ...parseOptions(document), zoneOf });
}

/** Documents of the user. The parser is loaded when there is something to parse. */
export function openDocuments(cwd: string): Documents {
  return {
    async read(file, values) {
      const document = await readDocument(file, cwd);
      // The parser is not loaded for what includes nothing: starting is what a command takes longest for.
      if (!/include/.test(document.text) && values === undefined) return document;
      const { readAlong } = await import('./read-along.ts');
      return readAlong(document, values ?? { vars: [], varsFiles: [] });
    },
    async check(document) {
      const { text, fileName } = document;
      const { formatIssues } = await import('../spec/format-issues.ts');
      const parsed = await parseAsWhatItIs(document, cwd);
      const issues = parsed.ok ? [] : parsed.issues;
      const warnings = parsed.ok ? parsed.warnings : [];
      const files = new Map(Object.entries(document.files ?? {}));
      const report = formatIssues([...issues, ...warnings], text, fileName, files);
      const isWorkload = parsed.ok && parsed.spec !== undefined;
      const { readChecklist } = await import('../spec/checklist.ts');
      const checklist = isWorkload ? readChecklist(text, { fileName }) : [];
      return { valid: parsed.ok, issues, warnings, report, checklist };
    },
    async write(file, text) {
      const path = resolve(cwd, file);
      try {
        await writeFile(path, text);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new OperationError(
          'FILE_UNWRITABLE',
          `${path} cannot be written: ${why}`,
          { path },
          cause,
        );
      }
      return path;
    },
    async schema() {
      const { documentJsonSchema } = await import('../spec/document-schema.ts');
      return documentJsonSchema();
    },
  };
}
