import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  Problem,
  Status,
  Usage,
  Why,
  WorkloadDocument,
  WorkloadSummary,
} from '../../src/api/contract/documents.ts';
import { cgroup, MiB, summary, T0 } from './documents.ts';

/**
 * A server on a unix socket that answers as the contract says, out of a table of documents that
 * the test changes. `daemon.json` in `stateDir` names it.
 */
export class TestDaemon {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'berth-cli-'));
  readonly socket = join(this.stateDir, 'berth.sock');
  readonly workloads = new Map<string, WorkloadDocument>();
  /** By `<attempt>/<stream>`; an ended log has no more to come. */
  readonly logs = new Map<string, { text: string; ended: boolean }>();
  /** `METHOD path` of each request, in order. */
  readonly requests: string[] = [];
  /** Of the same requests. */
  readonly queries: URLSearchParams[] = [];
  readonly submitted: { readonly query: URLSearchParams; readonly text: string }[] = [];
  /** Answers in place of the table, by path. */
  readonly answers = new Map<string, { status: number; type: string; body: string }>();
  /** What submitting and cancelling do to the table. */
  onSubmit: (id: string) => void = () => undefined;
  onCancel: (id: string) => void = () => undefined;
  onShutdown: () => void = () => undefined;
  pid = process.pid;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async open(): Promise<TestDaemon> {
    const daemon = new TestDaemon();
    await new Promise<void>((resolve) => daemon.#server.listen(daemon.socket, resolve));
    writeFileSync(
      join(daemon.stateDir, 'daemon.json'),
      JSON.stringify({
        pid: daemon.pid,
        url: 'http://127.0.0.1:1',
        socket: daemon.socket,
        version: '0',
      }),
    );
    return daemon;
  }

  /** Puts a document into the table and tells whoever listens. */
  change(document: WorkloadDocument): void {
    this.workloads.set(document.id, document);
    const data = JSON.stringify({ workloads: [document.id], nodes: false, sample: false });
    for (const stream of this.#streams) stream.write(`event: change\ndata: ${data}\n\n`);
  }

  problem(
    path: string,
    problem: Partial<Problem> & Pick<Problem, 'status' | 'code' | 'detail'>,
  ): void {
    const body = JSON.stringify({
      type: 'urn:x',
      title: 'x',
      hint: 'Do something else.',
      ...problem,
    });
    this.answers.set(path, { status: problem.status, type: 'application/problem+json', body });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    this.requests.push(`${request.method} ${pathname}`);
    this.queries.push(searchParams);
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    const fixed = this.answers.get(pathname);
    if (fixed !== undefined) {
      response.writeHead(fixed.status, { 'content-type': fixed.type }).end(fixed.body);
      return;
    }
    const [, id, rest = ''] = /^\/api\/v1\/workloads\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
    const [, attempt, stream] = /^\/api\/v1\/attempts\/([^/]+)\/logs\/(\w+)$/.exec(pathname) ?? [];
    if (attempt !== undefined) return this.#log(`${attempt}/${stream}`, searchParams, response);
    if (id !== undefined) return this.#one(id, rest, response);
    switch (pathname) {
      case '/api/v1/status':
        return json(response, this.status());
      case '/api/v1/nodes':
        return json(response, { nodes: [node] });
      case '/api/v1/usage':
        return json(response, usage);
      case '/api/v1/shutdown':
        response.writeHead(202).end();
        this.onShutdown();
        return;
      case '/api/v1/events':
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(':\n\n');
        this.#streams.add(response);
        response.once('close', () => this.#streams.delete(response));
        return;
      case '/api/v1/workloads':
        if (request.method === 'GET') return this.#list(searchParams, response);
        this.submitted.push({ query: searchParams, text });
        this.onSubmit('12');
        return json(response, { id: '12', name: 'quickstart', warnings: ['a warning'] }, 201);
      default:
        return notFound(response, pathname);
    }
  }

  #one(id: string, rest: string, response: ServerResponse): void {
    const document = this.workloads.get(id);
    if (document === undefined) {
      notFound(response, `workload ${id}`);
      return;
    }
    if (rest === '/cancel') {
      this.onCancel(id);
      response.writeHead(202).end();
      return;
    }
    const why: Why = {
      id,
      status: document.status,
      sentence: 'It waits.',
      steps: [],
      preemptions: [],
    };
    json(response, rest === '/why' ? why : document);
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const all = [...this.workloads.values()].map(summaryOf).reverse();
    const isActive = (one: WorkloadSummary): boolean => ['waiting', 'running'].includes(one.status);
    const queue = query.get('queue');
    const found = (query.get('state') === 'active' ? all.filter(isActive) : all).filter(
      (one) => queue === null || one.queue === queue,
    );
    json(response, { workloads: found.slice(0, Number(query.get('limit'))), total: found.length });
  }

  #log(name: string, query: URLSearchParams, response: ServerResponse): void {
    const log = this.logs.get(name);
    if (log === undefined) {
      notFound(response, `attempt ${name}`);
      return;
    }
    const [attempt, stream] = name.split('/');
    const bytes = Buffer.from(log.text);
    const asked = Number(query.get('from'));
    const from = asked < 0 ? Math.max(0, bytes.length + asked) : Math.min(asked, bytes.length);
    const next = Math.min(bytes.length, from + Number(query.get('max')));
    const piece = { attempt, stream, offset: from, next, dropped: 0, ended: log.ended };
    const chunk = { ...piece, text: bytes.subarray(from, next).toString('utf8') };
    if (query.get('follow') !== '1') {
      json(response, chunk);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const last = { ...chunk, text: '', offset: next, ended: true };
    if (chunk.text !== '')
      response.write(`event: log\ndata: ${JSON.stringify({ ...chunk, ended: false })}\n\n`);
    response.end(`event: log\ndata: ${JSON.stringify(last)}\n\n`);
  }

  status(): Status {
    return {
      pid: this.pid,
      version: '0.1.0',
      state_dir: this.stateDir,
      site_file: null,
      url: 'http://127.0.0.1:1',
      socket: this.socket,
      host: 'lab-3',
      started_at: T0,
      now: T0 + 60_000,
      launcher_pid: 1,
      enforcement: cgroup,
      journal: { sequence: 7, stalled: null },
      plugins: [],
      counts: { waiting: 0, running: 1, ended: 2 },
    };
  }
}

function summaryOf(document: WorkloadDocument): WorkloadSummary {
  const { name, queue, started_at, ended_at } = document.workload;
  return summary(document.id, document.status, { name, queue, started_at, ended_at });
}

export const node = {
  id: 'lab-3',
  allocatable: { cpu_milli: 2_000, memory_bytes: 8_192 * MiB, gpu_milli: 2_000, custom: {} },
  held: { cpu_milli: 1_500, memory_bytes: 4_096 * MiB, gpu_milli: 1_000, custom: {} },
  gpus: [
    { id: 'gpu-0', model: 'H100', memory_bytes: 80 * 1_024 * MiB, held_milli: 1_000 },
    { id: 'gpu-1', model: 'H100', memory_bytes: 80 * 1_024 * MiB, held_milli: 0 },
  ],
  labels: {},
};

export const usage: Usage = {
  interval_ms: 1_000,
  at: [T0, T0 + 1_000],
  cpu_ratio: [0.2, 0.5],
  cpu_held_ratio: [0.75, 0.75],
  memory_used_bytes: [1_024 * MiB, 2_048 * MiB],
  memory_held_bytes: [null, 4_096 * MiB],
  memory_total_bytes: 8_192 * MiB,
  io_pressure_ratio: [null, 0.004],
  memory_pressure_ratio: [null, null],
  cpu_pressure_ratio: [0, 0.125],
};

function json(response: ServerResponse, document: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
}

function notFound(response: ServerResponse, what: string): void {
  const problem: Problem = {
    type: 'urn:berth:problem:not-found',
    title: 'Not found',
    status: 404,
    detail: `There is no ${what}.`,
    code: 'NOT_FOUND',
    hint: 'See `berth ps --all`.',
  };
  response
    .writeHead(404, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify(problem));
}
