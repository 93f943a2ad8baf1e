// The folders of node_modules that the tests of src/execution need, one a line.
import { readFileSync } from 'node:fs';

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
}
const read = (path: string): Package => JSON.parse(readFileSync(path, 'utf8'));

const wanted = ['node', 'fast-check', ...Object.keys(read('package.json').dependencies ?? {})];
const found = new Set<string>();
for (const name of wanted) {
  if (found.has(name)) continue;
  found.add(name);
  wanted.push(...Object.keys(read(`node_modules/${name}/package.json`).dependencies ?? {}));
}
for (const name of found) process.stdout.write(`node_modules/${name}\n`);
