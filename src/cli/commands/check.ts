import { errorTable, OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { givenVars, varOptions } from '../read-checked.ts';

export const check = defineCommand({
  name: 'check',
  group: 'Files and settings',
  summary: 'Check documents and show all that is wrong with them, without a daemon',
  operand: {
    name: 'file',
    summary: 'YAML or JSON documents; - reads stdin',
    required: true,
    many: true,
    complete: 'file',
  },
  options: varOptions,
  json: '{valid, files: [{file, valid, issues, warnings}, …]}; exit code 2 when not valid',
  async run({ operands, options }, world) {
    const files: Awaited<ReturnType<typeof checkOne>>[] = [];
    for (const operand of operands) files.push(await checkOne(operand));
    const valid = files.every((file) => file.valid);
    return {
      document: { valid, files: files.map(({ report: _, ...file }) => file) },
      view: () =>
        files.flatMap(({ file, valid: isValid, report }) => [
          ...(report === '' ? [] : [report.trimEnd()]),
          ...(isValid ? [`${file}: valid`] : []),
        ]),
      exit: valid ? EXIT.ok : errorTable.SPEC_INVALID.exit,
    };

    async function checkOne(file: string) {
      try {
        const document = await world.documents.read(file, givenVars(options));
        const { valid, issues, warnings, report } = await world.documents.check(document);
        return { file: document.fileName, valid, issues, warnings, report };
      } catch (error) {
        if (!(error instanceof OperationError) || error.code !== 'SPEC_INVALID') throw error;
        return {
          file,
          valid: false,
          issues: [{ message: error.message }],
          warnings: [],
          report: error.message,
        };
      }
    }
  },
});
