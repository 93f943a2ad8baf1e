import type { AttemptId } from '../../../model/ids.ts';
import type { AttemptStart } from '../../../runtime/ports.ts';
import { type NetworkPlan, planNetwork } from '../../network-plan.ts';
import type { LocalDriver } from './driver.ts';
import { namespaceFile, type TaskLinks } from './task-links.ts';

/** The proxy, as far as tasks are led to it. */
export interface TaskProxy {
  readonly urlFor: (attempt: AttemptId, address?: string) => string;
  readonly listen: (address: string) => Promise<unknown>;
  readonly unlisten: (address: string) => Promise<void>;
  /** The attempt has ended. */
  readonly forget: (attempt: AttemptId) => void;
}

export interface NetworkedDriverDeps {
  /** Undefined: it could not be opened, for the reason that is given. */
  readonly proxy: TaskProxy | undefined;
  readonly unproxied?: string;
  readonly links: TaskLinks;
  readonly warn: (message: string) => void;
}

const LOCAL = 'localhost,127.0.0.1,::1';

/**
 * The driver, whose tasks find the network that they asked for. A task that asks for nothing of it passes
 * straight through; only a link of its own takes time, and a stop that comes meanwhile waits for the start.
 */
export function networkedDriver(driver: LocalDriver, deps: NetworkedDriverDeps): LocalDriver {
  const starting = new Map<AttemptId, Promise<void>>();
  const fail = (what: string, error: unknown): void =>
    deps.warn(`${what}: ${error instanceof Error ? error.message : error}`);

  const start = (asked: AttemptStart): void => {
    const { attempt } = asked;
    if (asked.execution?.network === undefined) {
      driver.start(asked);
      return;
    }
    if (starting.has(attempt)) return;
    if (!wantsLink(asked)) {
      driver.start(placed(asked, planFor(asked, deps), deps, undefined));
      return;
    }
    // Starts in line are given in order.
    const before = asked.after === undefined ? undefined : starting.get(asked.after);
    const ready = Promise.all([withLink(asked, deps), before])
      .then(([start]) => driver.start(start))
      .catch((error: unknown) => fail(`the network of ${attempt} cannot be made`, error))
      .finally(() => starting.delete(attempt));
    starting.set(attempt, ready);
  };
  const stop: LocalDriver['stop'] = (attempt, ...order) => {
    const ready = starting.get(attempt);
    if (ready === undefined) driver.stop(attempt, ...order);
    else void ready.then(() => driver.stop(attempt, ...order));
  };
  const settle: LocalDriver['settle'] = (attempt) => {
    driver.settle(attempt);
    deps.proxy?.forget(attempt);
    const link = deps.links.linkOf(attempt);
    if (link === undefined) return;
    const removed = Promise.all([
      deps.proxy?.unlisten(link.hostAddress),
      deps.links.remove(attempt),
    ]);
    removed.catch((error: unknown) => fail(`the network of ${attempt} is left`, error));
  };
  const close = async (): Promise<void> => {
    await Promise.all(starting.values());
    await driver.close();
  };
  const own = { start, stop, settle, close };
  // What else a driver can do, now and later, it does by itself.
  return new Proxy(driver, {
    get(target, key) {
      if (Object.hasOwn(own, key)) return Reflect.get(own, key);
      const found: unknown = Reflect.get(target, key, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

const wantsLink = ({ execution }: AttemptStart): boolean =>
  execution?.network?.proxied === true &&
  execution.isolation?.namespaces?.includes('network') === true;

function planFor(
  { execution }: AttemptStart,
  { unproxied }: NetworkedDriverDeps,
  unshaped?: string,
): NetworkPlan {
  const site = {
    ...(unproxied !== undefined && { unproxied }),
    ...(unshaped !== undefined && { unshaped }),
  };
  return planNetwork(execution, site) ?? { proxied: false, terms: [] };
}

async function withLink(asked: AttemptStart, deps: NetworkedDriverDeps): Promise<AttemptStart> {
  const { links, proxy } = deps;
  const plan = planFor(asked, deps, await links.unshaped());
  if (plan.link === undefined || proxy === undefined) return placed(asked, plan, deps, undefined);
  try {
    const link = await links.make(asked.attempt, plan.link);
    await proxy.listen(link.hostAddress);
    return placed(asked, plan, deps, link);
  } catch (error) {
    await links.remove(asked.attempt);
    const why = error instanceof Error ? error.message : String(error);
    return placed(asked, planFor(asked, deps, why), deps, undefined);
  }
}

type Link = Awaited<ReturnType<TaskLinks['make']>>;

function placed(
  asked: AttemptStart,
  { proxied, terms }: NetworkPlan,
  { proxy }: NetworkedDriverDeps,
  link: Link | undefined,
): AttemptStart {
  const url = proxied ? proxy?.urlFor(asked.attempt, link?.hostAddress) : undefined;
  const env = url === undefined ? {} : proxyVariables(url);
  return {
    ...asked,
    ...(link !== undefined && { execution: withoutNetwork(asked.execution) }),
    env: { ...asked.env, ...env },
    network: { terms, ...(link && { namespace: namespaceFile(link) }) },
  };
}

/** It has a namespace by then: another one would cut its link. */
function withoutNetwork(execution: AttemptStart['execution']): NonNullable<typeof execution> {
  const { isolation, ...rest } = execution ?? {};
  const namespaces = isolation?.namespaces?.filter((name) => name !== 'network') ?? [];
  return { ...rest, isolation: { ...isolation, namespaces } };
}

/** As curl, Python, Go and Node read them; curl takes the plain one in small letters only. */
function proxyVariables(url: string): Record<string, string> {
  return {
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    http_proxy: url,
    https_proxy: url,
    NO_PROXY: LOCAL,
    no_proxy: LOCAL,
  };
}
