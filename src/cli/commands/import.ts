import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { World } from '../world.ts';

export const importCommand = defineCommand({
  name: 'import',
  group: 'Files and settings',
  summary: 'Turn manifests of Kubernetes into a site document',
  details: [
    'Read are Namespace, ResourceQuota, PriorityClass and a ConfigMap with `fairSharing`, several in a file, as written or as `kubectl get -o yaml` prints them. The document is printed, with comments that say where each part is from.',
    'What cannot be carried over is told on stderr as a warning with its place.',
  ],
  operand: {
    name: 'file',
    summary: 'manifests in YAML or JSON; - reads stdin',
    required: true,
    many: true,
    complete: 'file',
  },
  options: {
    output: {
      kind: 'text',
      short: 'o',
      value: 'file',
      summary: 'where the site document is written, instead of printed; never over a file',
    },
  },
  json: '{site, written, queues, classes, users, warnings, warnings_omitted}; site is the text, written the file or null',
  examples: [
    'berth import cluster.yaml -o site.yaml',
    'kubectl get ns,quota,priorityclass -A -o yaml | berth import -',
  ],
  async run({ operands, options }, world) {
    const sources: { fileName: string; text: string }[] = [];
    for (const operand of new Set(operands)) sources.push(await world.documents.read(operand));
    // Loaded only here: starting is what a command takes longest for.
    const { importManifests } = await import('../../spec/kubernetes/import-manifests.ts');
    const { formatIssues } = await import('../../spec/format-issues.ts');
    const imported = importManifests(sources);
    const texts = new Map(sources.map(({ fileName, text }) => [fileName, text]));
    if (!imported.ok) {
      const report = formatIssues(imported.issues, '', '', texts);
      throw new OperationError('SPEC_INVALID', `Nothing was imported:\n\n${report}`, {
        issues: imported.issues,
        hint: 'Manifests that kubectl takes are read; other documents of Berth are not.',
      });
    }
    const { text, queues, classes, users, warnings, warningsOmitted } = imported;
    if (warnings.length > 0 && !world.settings.quiet.value) {
      world.terminal.writeError(formatIssues(warnings, '', '', texts));
    }
    if (warningsOmitted > 0) world.note(`${warningsOmitted} more warnings are not shown`);
    const written = options.output === undefined ? null : await write(options.output, text, world);
    return {
      document: {
        site: text,
        written,
        queues,
        classes,
        users,
        warnings,
        warnings_omitted: warningsOmitted,
      },
      view: () =>
        written === null ? text.trimEnd().split('\n') : [`${written}: now \`berth check\` it`],
      exit: EXIT.ok,
    };
  },
});

/** Never over what is there: it may have been edited since it was imported. */
async function write(output: string, text: string, { cwd }: World): Promise<string> {
  try {
    await writeFile(resolve(cwd, output), text, { flag: 'wx' });
    return output;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const isThere = code === 'EEXIST';
    throw new OperationError(
      isThere ? 'USAGE' : 'FILE_UNREADABLE',
      isThere ? `${output} is there already.` : `${output} cannot be written (${code}).`,
      { file: output, hint: 'Choose another file, or print it: `berth import FILE > site.yaml`.' },
      error,
    );
  }
}
