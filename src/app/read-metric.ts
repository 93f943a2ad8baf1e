import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMetricValue, VALUE_BYTES_MAX } from '../autoscaling/parse-metric-value.ts';
import type { Measured } from '../autoscaling/propose.ts';
import { formatSpan } from '../base/format.ts';
import type { MetricSource } from '../model/autoscaling.ts';

/** Whoever does not answer by then is not known. */
const ANSWER_MS = 2_000;
/** A file that nobody wrote for so long says nothing: as long as Prometheus believes a value. */
const STALE_MS = 300_000;

/** A number that somebody else counts. Never rejects, and takes no longer than ANSWER_MS. */
export async function readMetric(source: MetricSource, folder: string): Promise<Measured> {
  const late = AbortSignal.timeout(ANSWER_MS);
  try {
    const text = await Promise.race([
      source.kind === 'url' ? answerOf(source.url, late) : contentOf(join(folder, source.path)),
      aborted(late),
    ]);
    const value = parseMetricValue(text);
    return value === undefined
      ? { kind: 'unknown', why: 'what it says is no number' }
      : { kind: 'total', value };
  } catch (error) {
    return { kind: 'unknown', why: error instanceof Unread ? error.message : whyOf(error, late) };
  }
}

class Unread extends Error {}

function whyOf(error: unknown, late: AbortSignal): string {
  if (late.aborted) return `no answer within ${formatSpan(ANSWER_MS)}`;
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  return `it cannot be read: ${code ?? cause?.code ?? 'no answer'}`;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Led nowhere else: who names an address is asked there, and nowhere else. */
async function answerOf(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { redirect: 'manual', signal });
  const { status, body } = response;
  if (status !== 200) {
    await body?.cancel();
    throw new Unread(`it answers with ${status}`);
  }
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > VALUE_BYTES_MAX) throw new Unread('what it says is no number');
  }
  return text;
}

/** No link is followed, and nothing waits for a pipe. */
async function contentOf(path: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const { mtimeMs } = await checked(file);
  const age = Date.now() - mtimeMs;
  if (age > STALE_MS) throw new Unread(`it was written ${formatSpan(age)} ago`);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(VALUE_BYTES_MAX + 1));
  return buffer.toString('utf8', 0, bytesRead);
}

async function checked(file: Awaited<ReturnType<typeof open>>) {
  const stat = await file.stat();
  if (!stat.isFile()) throw new Unread('it is no file');
  return stat;
}
