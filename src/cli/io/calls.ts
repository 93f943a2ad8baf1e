import type { z } from 'zod';

export interface Asked {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  /** Of the body; YAML, which JSON is as well, when not said. */
  readonly type?: string;
  readonly signal?: AbortSignal | undefined;
  readonly streams?: boolean;
  /** What the answer takes by its nature. */
  readonly workMs?: number;
}

/** The ways to ask. */
export interface Calls {
  ask<T>(schema: z.ZodType<T>, asked: Asked): Promise<T>;
  /** Whose answer says nothing more. */
  done(asked: Asked): Promise<void>;
  /** Whose answer is a text. */
  text(asked: Asked): Promise<string>;
  events<T>(schema: z.ZodType<T>, path: string, signal: AbortSignal): AsyncIterable<T>;
  /** Of an answer that is long and no document. */
  pieces(path: string): AsyncIterable<string>;
}

export const get = (path: string, signal?: AbortSignal): Asked => ({ method: 'GET', path, signal });

export const query = (values: Readonly<Record<string, string | number>>): string =>
  new URLSearchParams(
    Object.entries(values).map(([key, value]): [string, string] => [key, String(value)]),
  ).toString();

export const postJson = (path: string, body: object): Asked => ({
  method: 'POST',
  path,
  body: JSON.stringify(body),
  type: 'application/json',
});
