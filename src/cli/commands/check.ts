import { errorTable, OperationError } from '../../model/errors.ts';
import type { ChecklistPoint } from '../../spec/checklist.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { glyph, type Page } from '../page.ts';
import { givenVars, varOptions } from '../read-checked.ts';
import { type Column, renderTable } from '../table.ts';

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
  details: [
    'With --checklist, each point of a job or pipeline that is valid comes with what it was told by, and what to write; an open point is no error.',
  ],
  options: {
    ...varOptions,
    checklist: {
      kind: 'flag',
      summary: 'ten things to have thought of: requests, limits, cost, failure and others',
    },
  },
  json: '{valid, files: [{file, valid, issues, warnings, checklist}, …]}; exit code 2 when not valid',
  async run({ operands, options }, world) {
    const files: Awaited<ReturnType<typeof checkOne>>[] = [];
    for (const operand of operands) files.push(await checkOne(operand));
    const valid = files.every((file) => file.valid);
    return {
      document: { valid, files: files.map(({ report: _, ...file }) => file) },
      view: (page) =>
        files.flatMap(({ file, valid: isValid, report, checklist }) => [
          ...(report === '' ? [] : [report.trimEnd()]),
          ...(isValid ? [`${file}: valid`] : []),
          ...(options.checklist ? renderChecklist(checklist, page) : []),
        ]),
      exit: valid ? EXIT.ok : errorTable.SPEC_INVALID.exit,
    };

    async function checkOne(file: string) {
      try {
        const document = await world.documents.read(file, givenVars(options));
        return { file: document.fileName, ...(await world.documents.check(document)) };
      } catch (error) {
        if (!(error instanceof OperationError) || error.code !== 'SPEC_INVALID') throw error;
        return {
          file,
          valid: false,
          issues: [{ message: error.message }],
          warnings: [],
          report: error.message,
          checklist: [],
        };
      }
    }
  },
});

const columns: readonly Column[] = [
  { title: '' },
  { title: 'POINT' },
  { title: 'LINE', align: 'right', drop: 2 },
  { title: 'WHAT IS THERE', min: 20 },
  { title: 'WHAT TO WRITE', min: 20, drop: 1 },
];

function renderChecklist(points: readonly ChecklistPoint[], page: Page): readonly string[] {
  if (points.length === 0) return [];
  const marks = { ok: 'succeeded', not: 'failed', unknown: 'unknown' } as const;
  return renderTable(
    page,
    columns,
    points.map(({ point, state, line, evidence, advice }) => [
      glyph(page, marks[state]),
      point,
      line === null ? '' : String(line),
      evidence,
      advice ?? '',
    ]),
  );
}
