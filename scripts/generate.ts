// Writes the reference documents that are made from code; with --check fails where one is out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { openApiDocument } from '../src/api/routes/openapi.ts';

interface Generated {
  readonly file: string;
  make(): string;
}

const generated: readonly Generated[] = [
  {
    file: 'docs/reference/openapi.json',
    make: () => `${JSON.stringify(openApiDocument(), undefined, 2)}\n`,
  },
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
