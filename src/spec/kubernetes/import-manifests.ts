import { inFile, readTrees, type Tree } from '../document-tree.ts';
import type { Issue } from '../issue.ts';
import { type FileTexts, locateIssues } from '../locate-issues.ts';
import { textProblem } from '../text-bounds.ts';
import { Findings } from './findings.ts';
import { Manifest, ManifestFile } from './manifest.ts';
import { type OtherKinds, readManifest, warnOfOtherKinds } from './read-manifest.ts';
import { writeSite } from './write-site.ts';

/** So many are told; the rest is counted. */
const WARNINGS_MAX = 1_000;
const ERRORS_MAX = 100;
/** Beside `default`; a site has at most 1,000. */
const QUEUES_MAX = 999;
/** Of a site, too. */
const CLASSES_MAX = 100;

export type ImportedSite = { readonly warnings: readonly Issue[] } & (
  | {
      readonly ok: true;
      /** A site document with comments that say where each part is from. */
      readonly text: string;
      /** Warnings that are not in the list. */
      readonly warningsOmitted: number;
      readonly queues: readonly string[];
      readonly classes: readonly string[];
      readonly users: readonly string[];
    }
  | { readonly ok: false; readonly issues: readonly Issue[] }
);

/** Manifests of Kubernetes → the site document that does what they say. Never throws for what the texts say. */
export function importManifests(
  sources: readonly { readonly fileName: string; readonly text: string }[],
): ImportedSite {
  const files = sources.map(({ fileName, text }) => new ManifestFile(fileName, text));
  const texts: FileTexts = new Map(files.map(({ name, text }) => [name, text]));
  const findings = new Findings();
  const others: OtherKinds = new Map();
  for (const file of files) readFile(file, findings, others);
  warnOfOtherKinds(others);
  const site = siteOf(files, findings);
  const errors = files.flatMap((file) => file.errors);
  // Writing warns, too: of weights.
  const problems = files.flatMap((file) => file.warnings);
  const warnings = locateIssues(problems, undefined, '', texts, WARNINGS_MAX);
  if (site === undefined) {
    return { ok: false, warnings, issues: locateIssues(errors, undefined, '', texts, ERRORS_MAX) };
  }
  return {
    ok: true,
    text: site,
    warnings,
    warningsOmitted: problems.length - warnings.length,
    queues: [...findings.queues.keys()],
    classes: [...findings.classes.keys()],
    users: findings.users.map(({ name }) => name),
  };
}

function readFile(file: ManifestFile, findings: Findings, others: OtherKinds): void {
  const unfit = textProblem(file.text);
  const trees: readonly Tree[] =
    unfit === undefined ? readTrees(file.text) : [{ root: undefined, problems: [unfit] }];
  for (const { root, problems } of trees) {
    file.errors.push(...inFile(problems, file.name));
    // A line `---` with nothing behind it, as files that were put together end with.
    if (root === undefined || root.value === null) continue;
    readManifest(new Manifest(file, { root }), findings, others);
  }
}

/** Undefined where something is wrong, or nothing is there; told. */
function siteOf(files: readonly ManifestFile[], findings: Findings): string | undefined {
  const [first] = files;
  const isWrong = (): boolean => files.some(({ errors }) => errors.length > 0);
  if (first === undefined || isWrong()) return undefined;
  const fail = (message: string, expected: string): undefined => {
    const at = { start: 0, end: 1, file: first.name };
    first.errors.push({ path: [], message, expected, at });
    return undefined;
  };
  const { queues, classes, users } = findings;
  if (queues.size + classes.size + users.length === 0) {
    const expected = 'Namespace, ResourceQuota, PriorityClass, or a ConfigMap with `fairSharing`';
    return fail('nothing here can be carried over', expected);
  }
  if (queues.size > QUEUES_MAX) {
    return fail(`there are ${queues.size} namespaces and queues`, `at most ${QUEUES_MAX}`);
  }
  if (classes.size > CLASSES_MAX) {
    return fail(`there are ${classes.size} PriorityClasses`, `at most ${CLASSES_MAX}`);
  }
  const text = writeSite(
    findings,
    files.map(({ name }) => name),
  );
  const unfit = textProblem(text);
  return unfit === undefined ? text : fail(`as a site, ${unfit.message}`, unfit.expected ?? '');
}
