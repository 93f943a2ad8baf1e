import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type OpenServer, openServer, type ServerConfig } from '../../src/api/io/server.ts';
import { leaseSite } from '../builders/lease-site.ts';
import { noAlerts } from '../builders/no-alerts.ts';
import { noDoctor } from '../builders/no-doctor.ts';
import { noExposition } from '../builders/no-exposition.ts';
import { noMetrics } from '../builders/no-metrics.ts';
import { noMoney } from '../builders/no-money.ts';
import { noReports } from '../builders/no-reports.ts';
import { noSettings } from '../builders/no-settings.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { noTransfers } from '../builders/no-transfers.ts';
import { noWhatIf } from '../builders/no-what-if.ts';
import { ScenarioSite } from './scenario-site.ts';
import { GIB } from './toy-workload.ts';

export const TOKEN = 'correct-horse-battery-staple';

export interface OpenSite {
  readonly site: ScenarioSite;
  readonly server: OpenServer;
  readonly folder: string;
  readonly port: number;
  /** What the server reported, in order. */
  readonly logged: string[];
  /** Over TCP, with the token unless `headers` say otherwise. */
  ask(method: string, path: string, options?: Asked): Promise<Answer>;
  /** Over the unix socket. */
  askUnix(method: string, path: string, options?: Asked): Promise<Answer>;
}

interface Asked {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly token?: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  json(): Record<string, never> & { [key: string]: unknown };
}

/** A real server with its own folder and port, ended when the test ends. */
export async function openSite(
  t: TestContext,
  site = new ScenarioSite(),
  options: Partial<ServerConfig> = {},
): Promise<OpenSite> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-api-'));
  chmodSync(folder, 0o700);
  const logged: string[] = [];
  const server = await openServer({
    ...noTokens,
    ...noMoney,
    ...noDoctor,
    ...noMetrics,
    ...noReports,
    ...noWhatIf,
    ...noSettings,
    ...noExposition,
    alerts: noAlerts,
    site,
    leases: leaseSite().leases,
    transfers: noTransfers,
    token: TOKEN,
    socketPath: join(folder, 'berth.sock'),
    host: '127.0.0.1',
    port: 0,
    webDir: join(folder, 'web'),
    parse: parseWords,
    log: (sentence, error) =>
      logged.push(error === undefined ? sentence : `${sentence} ${String(error)}`),
    ...options,
  });
  t.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const port = Number(new URL(server.url).port);
  return {
    site,
    server,
    folder,
    port,
    logged,
    ask: (method, path, asked = {}) => {
      const { token = TOKEN } = asked;
      const headers = token === null ? {} : { authorization: `Bearer ${token}` };
      return send(
        { host: '127.0.0.1', port, method, path, headers: { ...headers, ...asked.headers } },
        asked.body,
      );
    },
    askUnix: (method, path, asked = {}) =>
      send(
        { socketPath: join(folder, 'berth.sock'), method, path, headers: asked.headers ?? {} },
        asked.body,
      ),
  };
}

export function send(options: RequestOptions, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, agent: false, timeout: 10_000 }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, text, json: () => JSON.parse(text) });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Stands for `spec/`: `job NAME` is a document, anything else has an issue. */
export const parseWords: ServerConfig['parse'] = (text, { fileName }) => {
  const name = /^job (\w+)/.exec(text)?.[1];
  if (name === undefined) {
    return {
      ok: false,
      issues: [{ line: 1, message: 'not a job' }],
      text: `${fileName}:1: not a job`,
    };
  }
  return {
    ok: true,
    warnings: [`${name} has no limits`],
    spec: {
      kind: 'job',
      name,
      queue: 'default',
      priority: 0,
      labels: {},
      source: text,
      steps: [
        {
          id: 'main',
          needs: [],
          run: { kind: 'shell', script: 'true' },
          count: 1,
          request: { cpu: 1_000, memory: GIB, gpu: 0, custom: [] },
        },
      ],
    } as never,
  };
};
