import type { Agent, IncomingMessage } from 'node:http';
import { z } from '@hono/zod-openapi';
import { cacheClearedSchema, cacheListSchema } from '../../api/contract/cache-documents.ts';
import {
  logChunkSchema,
  nodeListSchema,
  problemSchema,
  statusSchema,
  submittedSchema,
  usageSchema,
  whySchema,
  workloadListSchema,
  workloadSchema,
} from '../../api/contract/documents.ts';
import { incidentListSchema } from '../../api/contract/incident-documents.ts';
import {
  leaseListSchema,
  leaseSchema,
  poolDocumentSchema,
  poolListSchema,
} from '../../api/contract/lease-documents.ts';
import {
  budgetListSchema,
  priceListSchema,
  suggestionListSchema,
  usageReportSchema,
} from '../../api/contract/money-documents.ts';
import { networkStatusSchema } from '../../api/contract/network-documents.ts';
import { preemptionListSchema } from '../../api/contract/preemption-documents.ts';
import {
  classListSchema,
  queueListSchema,
  quotaListSchema,
  reservationListSchema,
} from '../../api/contract/queue-documents.ts';
import { rebalanceSchema } from '../../api/contract/rebalance-documents.ts';
import { serviceSchema } from '../../api/contract/service-documents.ts';
import { newTokenSchema, tokenListSchema } from '../../api/contract/token-documents.ts';
import { transferListSchema, transferSchema } from '../../api/contract/transfer-documents.ts';
import { whatIfSchema } from '../../api/contract/what-if-documents.ts';
import { type ErrorCode, errorTable, OperationError } from '../../model/errors.ts';
import type { Client, LogPart, SubmittedDocument } from '../client.ts';
import { parseEventStream } from '../event-stream.ts';
import { type Asked, type Calls, get, postJson, query } from './calls.ts';
import { telemetryCalls } from './telemetry-calls.ts';

// An import statement would read every name of the module, and with some of them load all of `fetch`: 25 ms.
const { Agent: HttpAgent, request } = process.getBuiltinModule('node:http');

/** Where a daemon answers. The socket needs no token: its folder is for its owner only. */
export type Address =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly url: string; readonly token: string | undefined };

/** Longer than any honest answer takes; the daemon hangs. */
const ANSWER_MS_MAX = 30_000;
/** Two futures of a large site, and some more with other guesses. */
const WHAT_IF_MS_MAX = 570_000;
/** A workload of 10,000 tasks takes about 10 MB. */
const ANSWER_BYTES_MAX = 134_217_728;

const changeSchema = z.object({
  workloads: z.array(z.string()),
  nodes: z.boolean(),
  sample: z.boolean(),
});

/** Asks `locate` before each request, so that it finds a daemon again that was started anew. */
export function openClient(locate: () => Promise<Address>): Client {
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 4 });

  async function send(asked: Asked): Promise<IncomingMessage> {
    const address = await locate();
    const answer = await exchange(address, agent, asked);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw problemError(status, await readAll(answer), address);
  }

  async function ask<T>(schema: z.ZodType<T>, asked: Asked): Promise<T> {
    const text = await readAll(await send(asked));
    return parsed(schema, text, asked.path);
  }

  async function* events<T>(
    schema: z.ZodType<T>,
    path: string,
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    const answer = await send({ method: 'GET', path, signal, streams: true });
    answer.setEncoding('utf8');
    try {
      for await (const { data } of parseEventStream(answer)) yield parsed(schema, data, path);
    } catch (error) {
      if (!signal.aborted) throw networkError(error, 'the daemon');
    } finally {
      answer.destroy();
    }
  }

  async function* pieces(path: string): AsyncGenerator<string> {
    const answer = await send({ method: 'GET', path, streams: true });
    answer.setEncoding('utf8');
    try {
      for await (const piece of answer) yield piece;
    } catch (error) {
      throw networkError(error, 'the daemon');
    } finally {
      answer.destroy();
    }
  }

  const calls: Calls = {
    ask,
    pieces,
    done: async (asked) => void (await readAll(await send(asked))),
    text: async (asked) => readAll(await send(asked)),
    events,
  };
  return {
    ...workloadCalls(calls),
    ...leaseCalls(calls),
    ...siteCalls(calls),
    ...tokenCalls(calls),
    ...moneyCalls(calls),
    ...telemetryCalls(calls),
    ...transferCalls(calls),
    close: () => agent.destroy(),
  };
}

const one = (id: string, rest = ''): string => `/api/v1/workloads/${encodeURIComponent(id)}${rest}`;

function workloadCalls({ ask, done, events }: Calls) {
  return {
    submit: (document) => ask(submittedSchema, postDocument('/api/v1/workloads', document)),
    workloads: ({ queue, tenant, starts, ...filter }) => {
      const whose = {
        ...(queue !== undefined && { queue }),
        ...(tenant !== undefined && { tenant }),
        ...(starts === true && { starts: 'true' }),
      };
      return ask(workloadListSchema, get(`/api/v1/workloads?${query({ ...filter, ...whose })}`));
    },
    workload: (id, signal) => ask(workloadSchema, get(one(id), signal)),
    why: (id) => ask(whySchema, get(one(id, '/why'))),
    cancel: (id) => done(post(one(id, '/cancel'))),
    retry: (id, from) => ask(submittedSchema, post(one(id, `/retry?${query({ from })}`))),
    adjust: (id, changes) => done(post(one(id, '/adjust'), changes)),
    pause: (id) => done(post(one(id, '/pause'))),
    resume: (id) => done(post(one(id, '/resume'))),
    rebalance: (asked) => ask(rebalanceSchema, postJson('/api/v1/rebalance', asked)),
    whatIf: (asked) =>
      ask(whatIfSchema, { ...postJson('/api/v1/whatif', asked), workMs: WHAT_IF_MS_MAX }),
    rebalancing: () => ask(rebalanceSchema, get('/api/v1/rebalance')),
    scale: (id, replicas) => ask(serviceSchema, post(one(id, '/scale'), { replicas })),
    update: (id, document) => ask(submittedSchema, postDocument(one(id, '/update'), document)),
    log: (part) => ask(logChunkSchema, get(logPath(part))),
    followLog: (part, signal) => events(logChunkSchema, `${logPath(part)}&follow=1`, signal),
  } satisfies Partial<Client>;
}

function leaseCalls({ ask, done }: Calls) {
  return {
    askLease: (asked) => ask(leaseSchema, post('/api/v1/leases', asked)),
    renewLease: (id, waitMs, signal) =>
      ask(leaseSchema, { ...post(`${leasePath(id)}/renew?${query({ wait: waitMs })}`), signal }),
    releaseLease: (id) => ask(leaseSchema, post(`${leasePath(id)}/release`)),
    leases: () => ask(leaseListSchema, get('/api/v1/leases')),
    addPool: (definition) => ask(poolDocumentSchema, post('/api/v1/pools', definition)),
    removePool: (name) =>
      done({ method: 'DELETE', path: `/api/v1/pools/${encodeURIComponent(name)}` }),
    pools: () => ask(poolListSchema, get('/api/v1/pools')),
  } satisfies Partial<Client>;
}

function tokenCalls({ ask, done }: Calls) {
  return {
    tokens: () => ask(tokenListSchema, get('/api/v1/tokens')),
    addToken: (wanted) => ask(newTokenSchema, postJson('/api/v1/tokens', wanted)),
    revokeToken: (id) =>
      done({ method: 'DELETE', path: `/api/v1/tokens/${encodeURIComponent(id)}` }),
  } satisfies Partial<Client>;
}

function moneyCalls({ ask }: Calls) {
  return {
    budgets: () => ask(budgetListSchema, get('/api/v1/budgets')),
    prices: () => ask(priceListSchema, get('/api/v1/prices')),
    usageReport: (seconds, by) => {
      const asked = { since: `${seconds}s`, by: by.join(',') };
      return ask(usageReportSchema, get(`/api/v1/usage-report?${query(asked)}`));
    },
    suggestions: (seconds) =>
      ask(suggestionListSchema, get(`/api/v1/suggestions?${query({ since: `${seconds}s` })}`)),
    incidents: (seconds) =>
      ask(incidentListSchema, get(`/api/v1/incidents?${query({ since: `${seconds}s` })}`)),
  } satisfies Partial<Client>;
}

function transferCalls({ ask }: Calls) {
  return {
    askTransfer: (asked) => ask(transferSchema, postJson(transferPath(), asked)),
    transfer: (id, signal) => ask(transferSchema, get(transferPath(id), signal)),
    transfers: () => ask(transferListSchema, get(transferPath())),
    cancelTransfer: (id) => ask(transferSchema, post(`${transferPath(id)}/cancel`)),
    cleanTransfers: () => ask(transferListSchema, post(transferPath('clean'))),
  } satisfies Partial<Client>;
}

function siteCalls({ ask, done, events }: Calls) {
  return {
    status: () => ask(statusSchema, get('/api/v1/status')),
    nodes: () => ask(nodeListSchema, get('/api/v1/nodes')),
    queues: () => ask(queueListSchema, get('/api/v1/queues')),
    classes: () => ask(classListSchema, get('/api/v1/classes')),
    quotas: () => ask(quotaListSchema, get('/api/v1/quotas')),
    reservations: () => ask(reservationListSchema, get('/api/v1/reservations')),
    preemptions: (limit) =>
      ask(preemptionListSchema, get(`/api/v1/preemptions?${query({ limit })}`)),
    cache: () => ask(cacheListSchema, get('/api/v1/cache')),
    clearCache: () => ask(cacheClearedSchema, { method: 'DELETE', path: '/api/v1/cache' }),
    network: ({ device, bitsPerSecond }) => {
      const asked = {
        ...(device !== undefined && { device }),
        ...(bitsPerSecond !== undefined && { bits_per_second: bitsPerSecond }),
      };
      return ask(networkStatusSchema, get(`/api/v1/network?${query(asked)}`));
    },
    usage: (windowMs) =>
      ask(
        usageSchema,
        get(`/api/v1/usage?${query({ window: `${Math.ceil(windowMs / 1_000)}s` })}`),
      ),
    changes: (signal) => events(changeSchema, '/api/v1/events', signal),
    shutDown: () => done({ method: 'POST', path: '/api/v1/shutdown' }),
  } satisfies Partial<Client>;
}

const transferPath = (id?: string): string =>
  id === undefined ? '/api/v1/transfers' : `/api/v1/transfers/${encodeURIComponent(id)}`;

const leasePath = (id: string): string => `/api/v1/leases/${encodeURIComponent(id)}`;

function postDocument(path: string, document: SubmittedDocument): Asked {
  const { text, fileName, cwd, tenant, files, vars, varsFiles } = document;
  const asked = {
    method: 'POST' as const,
    path: `${path}?${query({ file: fileName, cwd, ...(tenant !== undefined && { tenant }) })}`,
  };
  if (files === undefined && vars === undefined) return { ...asked, body: text };
  const body = JSON.stringify({ text, files, vars, vars_files: varsFiles });
  return { ...asked, body, type: 'application/vnd.berth.bundle+json' };
}

const post = (path: string, body?: object): Asked => ({
  method: 'POST',
  path,
  ...(body && { body: JSON.stringify(body) }),
});

function logPath({ attempt, stream, from, maxBytes }: LogPart): string {
  return `/api/v1/attempts/${encodeURIComponent(attempt)}/logs/${stream}?${query({ from, max: maxBytes })}`;
}

function exchange(address: Address, agent: Agent, asked: Asked): Promise<IncomingMessage> {
  const { method, path, body, signal, streams = false, workMs = 0 } = asked;
  const answerMsMax = ANSWER_MS_MAX + workMs;
  const headers: Record<string, string> = {
    accept: streams ? 'text/event-stream' : 'application/json',
  };
  if (body !== undefined) {
    headers['content-type'] = asked.type ?? 'application/yaml';
    headers['content-length'] = String(Buffer.byteLength(body));
  }
  if (address.kind === 'tcp' && address.token !== undefined) {
    headers['authorization'] = `Bearer ${address.token}`;
  }
  const where = address.kind === 'socket' ? address.path : address.url;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers, ...(signal === undefined ? {} : { signal }) };
  const sent =
    address.kind === 'socket'
      ? request({ ...options, path, socketPath: address.path, ...(streams ? {} : { agent }) })
      : overTcp(new URL(path, address.url), options);
  const late = setTimeout(() => {
    const waited = `${answerMsMax / 1_000} s`;
    sent.destroy(new OperationError('TIMED_OUT', `${where} did not answer within ${waited}.`));
  }, answerMsMax);
  sent.once('response', (answer) => {
    if (streams) clearTimeout(late);
    else answer.once('close', () => clearTimeout(late));
    resolve(answer);
  });
  sent.once('error', (error) => {
    clearTimeout(late);
    reject(networkError(error, where));
  });
  sent.end(body);
  return promise;
}

function overTcp(url: URL, options: Parameters<typeof request>[1]) {
  if (url.protocol !== 'https:') return request(url, options);
  return process.getBuiltinModule('node:https').request(url, options);
}

async function readAll(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  try {
    for await (const piece of answer) {
      text += piece;
      if (text.length > ANSWER_BYTES_MAX) {
        throw new OperationError('PROTOCOL', 'The daemon answers more than can be taken.');
      }
    }
  } catch (error) {
    throw networkError(error, 'the daemon');
  }
  return text;
}

/** What the network did, as one of our failures; aborts stay what they are. */
function networkError(error: unknown, where: string): unknown {
  if (error instanceof OperationError) return error;
  if (!(error instanceof Error) || error.name === 'AbortError') return error;
  const code = 'code' in error ? String(error.code) : error.message;
  const what =
    code === 'ECONNREFUSED' || code === 'ENOENT'
      ? `Nobody answers at ${where}.`
      : code === 'EACCES'
        ? `Another user owns the daemon at ${where}.`
        : `The connection to ${where} broke off (${code}).`;
  return new OperationError('DAEMON_DOWN', what, { reason: code }, error);
}

function problemError(status: number, text: string, address: Address): OperationError {
  let problem: z.infer<typeof problemSchema> | undefined;
  try {
    problem = problemSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (problem === undefined) {
    const where = address.kind === 'socket' ? address.path : address.url;
    return new OperationError('PROTOCOL', `${where} answered ${status}: is it a Berth daemon?`);
  }
  const { code, detail, hint, issues, facts } = problem;
  return new OperationError(isErrorCode(code) ? code : 'PROTOCOL', detail, {
    ...facts,
    ...(issues === undefined ? {} : { issues }),
    ...(isErrorCode(code) ? {} : { code }),
    hint,
  });
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorTable, code);

function parsed<T>(schema: z.ZodType<T>, text: string, path: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new OperationError('PROTOCOL', `The daemon's answer to ${path} is not JSON.`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const where = issue.path.join('.') || 'the document';
  throw new OperationError(
    'PROTOCOL',
    `The daemon's answer to ${path} is not as agreed: ${where}: ${issue.message}.`,
  );
}
