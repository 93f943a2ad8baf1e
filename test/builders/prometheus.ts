import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { skipSystem } from './system-suite.ts';

const isThere = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** Why a test with a real Prometheus is skipped, or false. */
export const skipPrometheus: string | false =
  skipSystem === false && !(isThere('prometheus') && isThere('promtool'))
    ? 'needs Prometheus: apt-get install prometheus'
    : skipSystem;

/** What `promtool` says, and its status. */
export function promtool(args: readonly string[], input = ''): { status: number; said: string } {
  const done = spawnSync('promtool', args, { input, encoding: 'utf8', timeout: 20_000 });
  return { status: done.status ?? -1, said: `${done.stdout}${done.stderr}` };
}

export interface Prometheus {
  readonly url: string;
  /** The result of an instant query, once `isEnough` of it. */
  query(expr: string, isEnough?: (found: readonly Sample[]) => boolean): Promise<readonly Sample[]>;
  get(path: string): Promise<unknown>;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus of its own on loopback, with this configuration; it ends with the test. */
export async function startPrometheus(
  t: TestContext,
  dir: string,
  config: string,
): Promise<Prometheus> {
  const file = join(dir, 'prometheus.yml');
  const data = join(dir, 'prometheus-data');
  mkdirSync(data);
  writeFileSync(file, config);
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_096);
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  t.after(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const url = `http://127.0.0.1:${port}`;
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
  };
  const query: Prometheus['query'] = async (expr, isEnough = (found) => found.length > 0) => {
    const end = performance.now() + 60_000;
    for (;;) {
      assert.equal(child.exitCode, null, said);
      const found = await samples(get, expr).catch(() => []);
      if (isEnough(found)) return found;
      assert.ok(performance.now() < end, `${expr}: ${JSON.stringify(found)}\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  return { url, query, get };
}

async function samples(get: Prometheus['get'], expr: string): Promise<Sample[]> {
  const answer = (await get(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return answer.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(address),
      );
    });
  });
}
