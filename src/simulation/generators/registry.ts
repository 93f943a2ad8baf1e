import { gpuCluster } from './gpu-cluster-generator.ts';
import { lublinFeitelson } from './lublin-generator.ts';
import { diurnal, heavyTailed, poisson, twoPhases } from './processor-generators.ts';
import type { TraceGenerator } from './trace-generator.ts';

export const traceGenerators: readonly TraceGenerator[] = [
  poisson,
  diurnal,
  heavyTailed,
  twoPhases,
  lublinFeitelson,
  gpuCluster,
];

export type ReadGenerator =
  | {
      readonly ok: true;
      readonly generator: TraceGenerator;
      readonly values: Readonly<Record<string, number>>;
    }
  | { readonly ok: false; readonly message: string; readonly expected: string };

/** Beyond, it is no name and no numbers. */
const TEXT_CHARS_MAX = 1_000;

/** `lublin`, or `lublin:jobs=1000,procs=128`: what is not said is as it is by default. */
export function readGenerator(text: string): ReadGenerator {
  const [name = '', said = ''] = splitOnce(text.slice(0, TEXT_CHARS_MAX), ':');
  const generator = traceGenerators.find((each) => each.name === name.trim());
  if (generator === undefined) {
    const names = traceGenerators.map((each) => each.name).join(', ');
    return { ok: false, message: `no generator is called '${name.trim()}'`, expected: names };
  }
  const values: Record<string, number> = {};
  for (const param of generator.params) values[param.name] = param.byDefault;
  for (const part of said.split(',').filter((each) => each.trim() !== '')) {
    const [key = '', written = ''] = splitOnce(part, '=').map((each) => each.trim());
    const param = generator.params.find((each) => each.name === key);
    if (param === undefined) {
      const expected = generator.params.map((each) => each.name).join(', ');
      return { ok: false, message: `${generator.name} has no parameter '${key}'`, expected };
    }
    const value = written === '' ? Number.NaN : Number(written);
    const { min, max } = param;
    if (!(value >= min && value <= max) || (param.whole === true && !Number.isInteger(value))) {
      const kind = param.whole === true ? 'a whole number' : 'a number';
      const message = `${key} of ${generator.name} cannot be '${written}'`;
      return { ok: false, message, expected: `${kind} from ${min} to ${max}: ${param.what}` };
    }
    values[key] = value;
  }
  return { ok: true, generator, values };
}

function splitOnce(text: string, at: string): [string, string] {
  const i = text.indexOf(at);
  return i === -1 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)];
}
