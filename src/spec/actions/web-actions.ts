import { z } from 'zod';
import { spanMs } from '../../base/units.ts';
import { ARGUMENT_BYTES_MAX, plainMap, quantity, text, wholeNumber } from '../fields.ts';
import { parseSpan, printSpan } from '../quantities.ts';
import { defineProgramAction } from './define-action.ts';
import { file } from './work-actions.ts';

export const webDefaults = {
  timeoutMs: spanMs(30_000),
  modelTimeoutMs: spanMs(300_000),
  maxResults: 10,
  maxTokens: 1024,
} as const;

const url = (description: string) =>
  z
    .string()
    .max(8192)
    .regex(/^https?:\/\//i, { error: 'an address that begins with http:// or https://' })
    .meta({ description });
const timeout = (initial: number) =>
  quantity(parseSpan, {
    description: 'An answer that takes longer has failed.',
    form: 'span such as 30s; a bare number is seconds',
    positive: true,
    finite: true,
    default: printSpan(spanMs(initial)),
  }).optional();
const headers = plainMap(
  z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/, { error: 'the name of a header' }),
  { max: 8192 },
  { description: 'Headers of the request.' },
).optional();

export const httpArguments = z.strictObject({
  url: url('What is asked.'),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .meta({ description: 'How.', default: 'GET, or POST with a body' })
    .optional(),
  headers,
  body: text({ description: 'What is sent, as text.', max: ARGUMENT_BYTES_MAX }).optional(),
  json: z.unknown().meta({ description: 'What is sent, as JSON.' }).optional(),
  expect: z
    .array(wholeNumber(100, 599, { description: 'A status.' }))
    .min(1)
    .max(100)
    .meta({ description: 'Any other status is a failure. 200 to 299, when not given.' })
    .optional(),
  output: file('A file that the answer is written to.').optional(),
  timeout: timeout(webDefaults.timeoutMs),
});

export const httpAction = defineProgramAction({
  name: 'http',
  meaning:
    'Makes one HTTP request, by the proxy that the task is given. Outputs: `status`, `bytes`, and `body`, as JSON where it is that, cut to 32 KiB.',
  arguments: httpArguments,
  repeats: 'never',
});

export const searchWebArguments = z.strictObject({
  url: url('The address of the search; `{query}` in it stands for the words.').optional(),
  query: text({ description: 'Words to search for.', max: 1024 }).optional(),
  max_results: wholeNumber(1, 1000, {
    description: 'So many at most; `resource_limits.max_results` is the same.',
    default: webDefaults.maxResults,
  }).optional(),
  robots: z
    .boolean()
    .meta({ description: 'Whether robots.txt of the site is obeyed.', default: true })
    .optional(),
  headers,
  timeout: timeout(webDefaults.timeoutMs),
});

export const searchWebAction = defineProgramAction({
  name: 'search_web',
  meaning:
    'Asks a page or an API of search results, and takes the links of it: of JSON a list, or one under `results`, `items` or `hits`; of HTML its links. It goes by the proxy that the task is given. Outputs: `count`, `results` with `title` and `url` each.',
  arguments: searchWebArguments,
  repeats: 'never',
  limits: { max_results: 'max_results' },
  missing: (given, env) =>
    given['url'] !== undefined || env.has('SEARCH_URL')
      ? undefined
      : 'there is no search to ask: it fails when it runs, unless `with.url` or SEARCH_URL in its environment names one',
});

export const analyzeWithAiArguments = z.strictObject({
  prompt: text({ description: 'What to do.', max: ARGUMENT_BYTES_MAX }).optional(),
  input: text({ description: 'What to do it with.', max: ARGUMENT_BYTES_MAX }).optional(),
  file: file('A text file to do it with.').optional(),
  system: text({ description: 'The system message.', max: ARGUMENT_BYTES_MAX }).optional(),
  model: text({ description: 'Which model.', max: 256, filled: true, oneLine: true }).optional(),
  endpoint: url(
    'An API like that of OpenAI, up to /v1; OPENAI_BASE_URL in its environment is the same. Its key is in OPENAI_API_KEY.',
  ).optional(),
  max_tokens: wholeNumber(1, 10_000_000, {
    description: 'Of the answer; `resource_limits.max_tokens` is the same.',
    default: webDefaults.maxTokens,
  }).optional(),
  timeout: timeout(webDefaults.modelTimeoutMs),
});

export const analyzeWithAiAction = defineProgramAction({
  name: 'analyze_with_ai',
  meaning:
    'Asks a language model. Outputs: `text`, `model`, `input_tokens` and `output_tokens` as the endpoint tells them.',
  arguments: analyzeWithAiArguments,
  repeats: 'costly',
  fileKeys: ['file'],
  limits: { max_tokens: 'max_tokens' },
  missing: (given, env) =>
    given['endpoint'] !== undefined || env.has('OPENAI_BASE_URL')
      ? undefined
      : 'this version has no model gateway: it fails when it runs, unless `with.endpoint` or OPENAI_BASE_URL in its environment names an API',
});
