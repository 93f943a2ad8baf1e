import { appendFileSync } from 'node:fs';
import type { z } from 'zod';
import type { FlowValue } from '../../model/flow.ts';
import { readProgramArguments } from '../../spec/actions/define-action.ts';

export type Outputs = Readonly<Record<string, FlowValue>>;

/** Of all outputs together, as they are written. */
export const OUTPUT_BYTES_MAX = 65_536;

/** Why an action could not do its work: a sentence for who reads the log. */
export class ActionFailure extends Error {}

/**
 * The program of one action: reads its arguments, works, and writes its outputs where BERTH_OUTPUT says, a
 * NAME=VALUE line each, the value as JSON. What it says on stdout is for people. It ends with 1 on failure, and
 * with 2 where its arguments are wrong.
 */
export async function runAction<T extends z.ZodType>(
  schema: T,
  work: (given: z.output<T>) => Outputs | Promise<Outputs>,
): Promise<void> {
  const read = readProgramArguments(schema, process.argv.slice(2));
  if (!read.success) {
    for (const { path, message } of read.error.issues) say(`${path.join('.')}: ${message}`);
    process.exitCode = 2;
    return;
  }
  try {
    const outputs = await work(read.data);
    for (const [name, value] of Object.entries(outputs)) {
      const text = JSON.stringify(value);
      process.stdout.write(`${name}: ${text.length > 400 ? `${text.slice(0, 400)}…` : text}\n`);
    }
    writeOutputs(outputs);
  } catch (error) {
    say(error instanceof ActionFailure ? error.message : `failed: ${reasonOf(error)}`);
    process.exitCode = 1;
  }
}

function writeOutputs(outputs: Outputs): void {
  const file = process.env['BERTH_OUTPUT'];
  if (file === undefined || file === '') return;
  const lines = Object.entries(outputs).map(
    ([name, value]) => `${name}=${JSON.stringify(value)}\n`,
  );
  const text = lines.join('');
  if (Buffer.byteLength(text) > OUTPUT_BYTES_MAX) {
    throw new ActionFailure(`the outputs have more than ${OUTPUT_BYTES_MAX} bytes`);
  }
  appendFileSync(file, text);
}

/** The beginning of a text whose JSON has at most so many bytes: a character may become six. */
export function cutToJson(text: string, bytesMax: number): string {
  let end = Math.min(text.length, bytesMax);
  while (Buffer.byteLength(JSON.stringify(text.slice(0, end))) > bytesMax)
    end = Math.floor(end * 0.8);
  return text.slice(0, end).toWellFormed();
}

const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`);

/** The innermost cause says what happened: `fetch failed` does not. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) {
    return cause.errors[0].message;
  }
  return cause instanceof Error ? cause.message : error.message;
}
