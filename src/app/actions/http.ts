import { writeFile } from 'node:fs/promises';
import type { FlowValue } from '../../model/flow.ts';
import { httpArguments, webDefaults } from '../../spec/actions/web-actions.ts';
import { ActionFailure, cutToJson, runAction } from './action-program.ts';
import { fetchBounded, headersOf } from './fetch-bounded.ts';

const ANSWER_BYTES_MAX = 256 * 1024 ** 2;
const SHOWN_MAX = 32_768;

await runAction(httpArguments, async (given) => {
  const { url, json, expect, output, timeout = webDefaults.timeoutMs } = given;
  if (given.body !== undefined && json !== undefined) {
    throw new ActionFailure('give either `body` or `json`');
  }
  const body = json === undefined ? given.body : JSON.stringify(json);
  const method = given.method ?? (body === undefined ? 'GET' : 'POST');
  const headers = {
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...headersOf(given.headers),
  };
  const answer = await fetchBounded(
    url,
    { method, headers, ...(body !== undefined && { body }) },
    { timeoutMs: timeout, bytesMax: ANSWER_BYTES_MAX },
  );
  const { status } = answer;
  const isExpected = expect === undefined ? status >= 200 && status < 300 : expect.includes(status);
  if (!isExpected) {
    const start = answer.body.toString('utf8').slice(0, 1000);
    throw new ActionFailure(`${method} ${url}: ${status}\n${start}`);
  }
  if (output !== undefined) await writeFile(output, answer.body);
  return { status, bytes: answer.body.length, body: shownBody(answer.body) };
});

function shownBody(body: Buffer): FlowValue {
  const text = body.toString('utf8');
  const shown = cutToJson(text, SHOWN_MAX);
  if (shown.length < text.length) return shown;
  try {
    return JSON.parse(text) as FlowValue;
  } catch {
    return text;
  }
}
