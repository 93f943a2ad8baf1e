import { z } from 'zod';
import { analyzeWithAiArguments, webDefaults } from '../../spec/actions/web-actions.ts';
import { ActionFailure, cutToJson, runAction } from './action-program.ts';
import { fetchBounded } from './fetch-bounded.ts';
import { readText } from './read-input.ts';
import { claimModelCall, tell } from './told-use.ts';

const ANSWER_BYTES_MAX = 16 * 1024 ** 2;
const INPUT_BYTES_MAX = 16 * 1024 ** 2;
/** What is left of the bound on outputs for the others, and for what JSON adds. */
const TEXT_BYTES_MAX = 60_000;

const completion = z.object({
  model: z.string().optional(),
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
  usage: z
    .object({ prompt_tokens: z.int().optional(), completion_tokens: z.int().optional() })
    .optional(),
});

await runAction(analyzeWithAiArguments, async (given) => {
  const endpoint = given.endpoint ?? process.env['OPENAI_BASE_URL'];
  if (endpoint === undefined || endpoint === '') {
    throw new ActionFailure(
      'no model can be asked: this version of Berth has no model gateway. Give `with.endpoint`, or OPENAI_BASE_URL in the environment: an API like that of OpenAI, up to /v1',
    );
  }
  const { prompt, input, file, system, max_tokens = webDefaults.maxTokens } = given;
  const read = file === undefined ? undefined : await readText(file, INPUT_BYTES_MAX);
  const content = [prompt, input, read].filter((part) => part !== undefined).join('\n\n');
  if (content === '')
    throw new ActionFailure('nothing to analyse: give `prompt`, `input` or `file`');
  const left = claimModelCall(`${system ?? ''}${content}`);
  const key = process.env['OPENAI_API_KEY'];
  const answer = await fetchBounded(
    `${endpoint.replace(/\/+$/, '')}/chat/completions`,
    {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && key !== '' && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({
        model: given.model ?? process.env['OPENAI_MODEL'] ?? 'default',
        max_tokens: Math.min(max_tokens, left),
        messages: [
          ...(system === undefined ? [] : [{ role: 'system', content: system }]),
          { role: 'user', content },
        ],
      }),
    },
    { timeoutMs: given.timeout ?? webDefaults.modelTimeoutMs, bytesMax: ANSWER_BYTES_MAX },
  );
  const written = answer.body.toString('utf8');
  if (answer.status !== 200) {
    throw new ActionFailure(`the model answered ${answer.status}: ${written.slice(0, 1000)}`);
  }
  const parsed = completion.safeParse(asJson(written));
  if (!parsed.success) throw new ActionFailure('the answer is not that of a chat of OpenAI’s form');
  const { choices, model, usage } = parsed.data;
  tell('tokens', (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
  const said = choices[0]!.message.content;
  const text = cutToJson(said, TEXT_BYTES_MAX);
  if (text.length < said.length) process.stdout.write(`${said}\n`);
  return {
    text,
    model: model ?? null,
    input_tokens: usage?.prompt_tokens ?? null,
    output_tokens: usage?.completion_tokens ?? null,
  };
});

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
