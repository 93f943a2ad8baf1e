// `npm run -s bench -- NAME [options] [--json]`: one benchmark, its result as JSON or as lines.
import { registry } from './registry.ts';

const [name, ...rest] = process.argv.slice(2);
const bench = name === undefined ? undefined : registry[name];
if (bench === undefined) {
  const lines = Object.entries(registry).map(([key, { what }]) => `  ${key.padEnd(12)} ${what}`);
  process.stderr.write(`Usage: npm run -s bench -- NAME [--json]\n\n${lines.join('\n')}\n`);
  process.exit(name === undefined ? 0 : 64);
}
const json = rest.includes('--json');
const result = await bench.run(rest.filter((arg) => arg !== '--json'));
process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
