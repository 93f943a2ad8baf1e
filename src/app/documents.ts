import { resolve } from 'node:path';
import { readDocument } from '../cli/io/read-document.ts';
import type { Documents } from '../cli/world.ts';

async function parseAsWhatItIs(text: string, fileName: string, cwd: string) {
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
  return parseDocument(text, { fileName });
}

/** Documents of the user. The parser is loaded when there is something to parse. */
export function openDocuments(cwd: string): Documents {
  return {
    read: (file) => readDocument(file, cwd),
    async check({ text, fileName }) {
      const { formatIssues } = await import('../spec/format-issues.ts');
      const parsed = await parseAsWhatItIs(text, fileName, cwd);
      const issues = parsed.ok ? [] : parsed.issues;
      const warnings = parsed.ok ? parsed.warnings : [];
      const report = formatIssues([...issues, ...warnings], text, fileName);
      return { valid: parsed.ok, issues, warnings, report };
    },
    async schema() {
      const { documentJsonSchema } = await import('../spec/document-schema.ts');
      return documentJsonSchema();
    },
  };
}
