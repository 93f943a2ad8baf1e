import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { type LogChunk, logChunkSchema } from '../contract/documents.ts';
import type { LogRequest, Site } from '../contract/views.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { attemptIdOf, logParams, logQuery, quote } from './params.ts';
import { notFound } from './problem.ts';

const DOWNLOAD_PIECE_BYTES = 262_144;

const readLog = defineOperation(
  {
    method: 'get',
    path: '/api/v1/attempts/{id}/logs/{stream}',
    operationId: 'readLog',
    summary: "A piece of an attempt's log, or with `follow` all that comes",
    request: { params: logParams, query: logQuery },
    responses: {
      200: {
        description: 'The piece; with `follow=1` events whose data is a LogChunk, until `ended`',
        content: {
          'application/json': { schema: logChunkSchema },
          'text/event-stream': { schema: z.string() },
        },
      },
    },
  },
  ['USAGE', 'NOT_FOUND', 'BUSY'],
);

/** Typed by no media type, so that the handler may answer with a stream instead of one string. */
const streamedText: Record<string, { readonly schema: z.ZodString }> = {
  'text/plain': { schema: z.string() },
};

const downloadLog = defineOperation(
  {
    method: 'get',
    path: '/api/v1/attempts/{id}/logs/{stream}/download',
    operationId: 'downloadLog',
    summary: "All that is kept of an attempt's log",
    request: { params: logParams },
    responses: {
      200: {
        description: 'As text; the header `berth-dropped-bytes` counts what the cap threw away',
        content: streamedText,
      },
    },
  },
  ['NOT_FOUND'],
);

export const logOperations = [readLog, downloadLog] as const;

export function addLogRoutes(api: OpenAPIHono<ApiEnv>, { streams, log }: ApiDeps): void {
  api.openapi(readLog, async (c) => {
    const site = c.get('site');
    const { id, stream } = c.req.valid('param');
    const { from, max, follow } = c.req.valid('query');
    const request: LogRequest = { attempt: attemptIdOf(id), stream, from, maxBytes: max };
    if (follow === '0') return c.json(await pieceOf(site, request), 200);
    await pieceOf(site, { ...request, from: -1, maxBytes: 1 });
    return streams.follow(c.get('asked'), request);
  });

  api.openapi(downloadLog, async (c) => {
    const site = c.get('site');
    const { id, stream } = c.req.valid('param');
    const request = { attempt: attemptIdOf(id), stream, maxBytes: DOWNLOAD_PIECE_BYTES };
    const first = await pieceOf(site, { ...request, from: 0 });
    const end = (await pieceOf(site, { ...request, from: -1 })).next;
    const body = kept(
      first,
      end,
      (from) => pieceOf(site, { ...request, from }),
      (error) => {
        log(`The download of ${id} ${stream} broke off.`, error);
        c.env.drop();
      },
    );
    return c.body(body, 200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': `attachment; filename="${id}.${stream}.log"`,
      'berth-dropped-bytes': String(first.dropped),
    });
  });
}

async function pieceOf(site: Site, request: LogRequest): Promise<LogChunk> {
  const chunk = await site.log(request);
  if (chunk === undefined) throw notFound(`attempt ${quote(request.attempt)}`);
  return chunk;
}

/** The log from `first` to where it ended when it was asked for, read only as fast as it is taken. */
function kept(
  first: LogChunk,
  end: number,
  read: (from: number) => Promise<LogChunk>,
  onFailure: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let piece: LogChunk | undefined = first;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { text, offset, next } = piece!;
          if (text !== '') controller.enqueue(encoder.encode(text));
          if (next >= end || next <= offset) controller.close();
          else piece = await read(next);
        } catch (error) {
          onFailure(error);
        }
      },
    },
    { highWaterMark: 0 },
  );
}
