import { lublin } from './lublin.ts';
import {
  estimatesOf,
  type GeneratorParam,
  jobs,
  number,
  procs,
  slack,
  type TraceGenerator,
  USERS_ZIPF,
  whole,
} from './trace-generator.ts';

const params: readonly GeneratorParam[] = [
  jobs,
  procs,
  number('spacing', 'times the time between two jobs: 2 halves the load', 1, [0.01, 100]),
  whole('typed', '1: batch and interactive jobs, each in their own way', 0, [0, 1]),
  whole('users', 'who submits them, some much more than others', 1, [1, 100_000]),
  { ...slack, byDefault: 0 },
];

export const lublinFeitelson: TraceGenerator = {
  name: 'lublin',
  what: 'the model of parallel supercomputers of Lublin and Feitelson (JPDC 2003)',
  params,
  generate: (values, seed) =>
    lublin(
      {
        jobs: values['jobs']!,
        procs: values['procs']!,
        kinds: values['typed'] === 1 ? 'typed' : 'any',
        spacing: values['spacing']!,
        estimates: estimatesOf(values['slack']!),
        tenants: { count: values['users']!, zipf: USERS_ZIPF },
      },
      seed,
    ),
};
