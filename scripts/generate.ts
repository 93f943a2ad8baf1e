// Writes the reference documents that are made from code; with --check fails where one is out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { openApiDocument } from '../src/api/routes/openapi.ts';
import { cliReference } from '../src/cli/reference.ts';
import { inventoryJsonSchema } from '../src/inventory/inventory-schema.ts';
import { errorTable } from '../src/model/errors.ts';
import { type Refusal, refusalMeaning, refusalTraits } from '../src/model/refusal.ts';
import { orders } from '../src/scheduling/orders/registry.ts';
import { scorers } from '../src/scheduling/scorers/registry.ts';
import { documentReference } from '../src/spec/document-reference.ts';
import { documentJsonSchema } from '../src/spec/document-schema.ts';
import { siteReference } from '../src/spec/site-reference.ts';
import { siteJsonSchema } from '../src/spec/site-schema.ts';
import { worldReference } from '../src/spec/world-reference.ts';
import { grafanaDashboard, prometheusRules } from './monitoring.ts';

interface Generated {
  readonly file: string;
  make(): string;
}

const generated: readonly Generated[] = [
  {
    file: 'docs/reference/openapi.json',
    make: () => json(openApiDocument()),
  },
  { file: 'docs/reference/spec.md', make: documentReference },
  { file: 'docs/reference/spec.schema.json', make: () => json(documentJsonSchema()) },
  { file: 'docs/reference/site.md', make: () => siteReference({ orders, scorers }) },
  { file: 'docs/reference/site.schema.json', make: () => json(siteJsonSchema()) },
  { file: 'docs/reference/world.md', make: worldReference },
  { file: 'docs/reference/inventory.schema.json', make: () => json(inventoryJsonSchema()) },
  { file: 'docs/reference/cli.md', make: () => `${cliReference().trimEnd()}\n` },
  { file: 'docs/reference/errors.md', make: errorReference },
  { file: 'docs/reference/refusals.md', make: refusalReference },
  { file: 'monitoring/berth-rules.yml', make: prometheusRules },
  { file: 'monitoring/berth-dashboard.json', make: grafanaDashboard },
];

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
for (const { file, make } of generated) {
  const text = make();
  if (read(file) === text) continue;
  if (values.check) {
    process.stderr.write(`${file} is out of date: run \`node scripts/generate.ts\`\n`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function errorReference(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { http, exit, retry, hint }]) =>
      `| \`${code}\` | ${http} | ${exit} | ${retry} | ${hint} |`,
  );
  return [
    '# Errors',
    '',
    'Every failure that a user can meet: its code, the HTTP status of the problem document, the exit code of the command line, whether trying again makes sense, and what to do.',
    '',
    '| code | HTTP | exit | again | what to do |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function refusalReference(): string {
  const codes = Object.keys(refusalMeaning) as Refusal['code'][];
  const rows = codes.map((code, i) => {
    const { evictionHelps, wokenBy } = refusalTraits[code];
    const woken = wokenBy.length === 0 ? '–' : wokenBy.map((kind) => `\`${kind}\``).join(', ');
    return `| ${i + 1} | \`${code}\` | ${refusalMeaning[code]} | ${evictionHelps ? 'yes' : 'no'} | ${woken} |`;
  });
  return [
    '# Refusals',
    '',
    'Why something may not be submitted, or does not start now. Where several would be true, the first in this table is given: what it names must change before the next one matters. A quota also looks again when its period ends.',
    '',
    '| | code | what it says | would ending other tasks help | looked at again after |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
