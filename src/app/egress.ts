import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type BitsPerSecond, UNLIMITED } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import { networkedDriver } from '../execution/io/local/networked-driver.ts';
import { TaskLinks } from '../execution/io/local/task-links.ts';
import { asAttemptId } from '../execution/launcher-protocol.ts';
import { type EgressProxy, openEgressProxy } from '../gateway/io/egress-proxy.ts';
import type { ProxyUser } from '../gateway/proxy-user.ts';
import { classOf, type NetworkConfig } from '../model/network-config.ts';
import type { Report } from '../runtime/ports.ts';
import type { DaemonLog } from './daemon-log.ts';

/** What a daemon that is killed may forget of the requests that tasks made. */
const SAVE_MS = 1000;

export interface EgressOptions {
  readonly stateDir: string;
  readonly instance: string;
  readonly network: NetworkConfig;
  /** Its state is rebuilt by then: links of what no longer runs are removed. */
  readonly engine: Engine;
  readonly log: DaemonLog;
  readonly onReport: (report: Report) => void;
}

/** The way out for tasks that asked for one. */
export interface Egress {
  /** Undefined: it could not be opened. */
  readonly proxy: EgressProxy | undefined;
  readonly around: (driver: LocalDriver) => LocalDriver;
  readonly close: () => Promise<void>;
}

const proxyFile = z.object({
  port: z.int().min(0).max(65_535),
  secret: z.string().regex(/^[0-9a-f]{64}$/),
});
const requestsFile = z.record(z.string(), z.int().min(0));

/** Port and secret stay the same over restarts, for the tasks that run on know them. */
export async function openEgress(options: EgressOptions): Promise<Egress> {
  const { stateDir, instance, network, engine, log } = options;
  const warn = (message: string): void => log('network', message);
  const files = { proxy: join(stateDir, 'proxy.json'), requests: join(stateDir, 'requests.json') };
  const known = readJson(files.proxy, proxyFile) ?? { port: 0, secret: newSecret() };
  const requests = Object.entries(readJson(files.requests, requestsFile) ?? {});
  const userOf = (attempt: string): ProxyUser | undefined => userNamed(engine, network, attempt);
  let unproxied: string | undefined;
  const proxy = await openEgressProxy({
    network,
    ...known,
    userOf,
    onRequestsMax: (text) => {
      const attempt = asAttemptId(text);
      const requests = (userOf(text)?.requestsMax ?? UNLIMITED) + 1;
      if (attempt !== undefined && requests <= UNLIMITED) {
        options.onReport({ kind: 'used', attempt, used: { requests } });
      }
    },
    requests: new Map(requests.filter(([attempt]) => userOf(attempt) !== undefined)),
    onProblem: (problem, error) => log('network', problem, error),
  }).catch((error: unknown) => {
    log('network', 'there is no proxy for tasks', error);
    unproxied = 'the proxy could not be opened; see the log of the daemon';
    return undefined;
  });
  if (proxy !== undefined && proxy.port !== known.port) {
    writeJson(files.proxy, { ...known, port: proxy.port });
  }
  const links = new TaskLinks(instance);
  const kept = await links.open((attempt) => userOf(attempt) !== undefined);
  for (const { hostAddress } of kept) {
    await proxy?.listen(hostAddress).catch((error: unknown) => {
      log('network', `the proxy cannot be reached on ${hostAddress}`, error);
    });
  }
  const saving = keepSaved(files.requests, proxy, warn);
  return {
    proxy,
    around: (driver) =>
      networkedDriver(driver, {
        proxy,
        ...(unproxied !== undefined && { unproxied }),
        links,
        warn,
      }),
    async close() {
      saving.end();
      await proxy?.close();
    },
  };
}

function userNamed(
  { state }: Engine,
  { classes }: NetworkConfig,
  text: string,
): ProxyUser | undefined {
  const id = asAttemptId(text);
  const attempt = id && state.attempt(id);
  const terms = attempt?.task.step.spec.execution?.network;
  if (attempt === undefined || attempt.end !== undefined || terms?.proxied !== true) {
    return undefined;
  }
  return {
    key: text,
    class: classOf(classes, terms),
    egress: terms.egress ?? (UNLIMITED as BitsPerSecond),
    ingress: terms.ingress ?? (UNLIMITED as BitsPerSecond),
    guaranteed: terms.guaranteed ?? (0 as BitsPerSecond),
    requestsMax: terms.requestsMax ?? UNLIMITED,
  };
}

function keepSaved(
  file: string,
  proxy: EgressProxy | undefined,
  warn: (message: string) => void,
): { readonly end: () => void } {
  let saved = '';
  const save = (): void => {
    const text = JSON.stringify(Object.fromEntries(proxy?.requests ?? []));
    if (text === saved || (saved === '' && text === '{}')) return;
    try {
      writeJson(file, JSON.parse(text));
      saved = text;
    } catch (error) {
      warn(`the counts of requests cannot be saved: ${error}`);
    }
  };
  const timer = setInterval(save, SAVE_MS);
  timer.unref();
  return {
    end() {
      clearInterval(timer);
      save();
    },
  };
}

const newSecret = (): string => randomBytes(32).toString('hex');

/** Undefined when it is not there, or is not what we wrote. */
function readJson<T extends z.ZodType>(file: string, form: T): z.output<T> | undefined {
  try {
    return form.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
