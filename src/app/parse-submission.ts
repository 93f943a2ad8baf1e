import { isAbsolute, resolve } from 'node:path';
import type { Parse } from '../api/routes/api-env.ts';
import { formatIssues } from '../spec/format-issues.ts';
import { parseDocument } from '../spec/parse-document.ts';

/** The document of a submission; paths in it are taken from the folder that it was submitted from. */
export const parseSubmission: Parse = (text, { fileName, cwd }) => {
  const parsed = parseDocument(text, { fileName });
  if (!parsed.ok) {
    return { ok: false, issues: parsed.issues, text: formatIssues(parsed.issues, text, fileName) };
  }
  const steps = parsed.spec.steps.map((step) => ({
    ...step,
    cwd: isAbsolute(step.cwd) || cwd === '' ? step.cwd : resolve(cwd, step.cwd),
  }));
  const warnings = parsed.warnings.map((warning) =>
    formatIssues([warning], text, fileName).trimEnd(),
  );
  return { ok: true, spec: { ...parsed.spec, steps }, warnings };
};
