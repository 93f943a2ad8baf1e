import { ProxyRefusal, type ProxyUser } from '../proxy-user.ts';
import { type Asked, type GateConfig, RequestGate } from '../request-gate.ts';

interface Waiter {
  readonly pass: () => void;
  readonly refuse: (refusal: ProxyRefusal) => void;
}

export interface ServiceCounts {
  passed: number;
  /** Of those that passed. */
  waited: number;
  refused: number;
}

const now = (): number => Math.floor(performance.now());

/** Lets requests through as the limits of the site have it, in real time. */
export class GateKeeper {
  readonly #gate: RequestGate;
  readonly #waiters = new Map<number, Waiter>();
  readonly #counts = new Map<string | undefined, ServiceCounts>();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: GateConfig) {
    this.#gate = new RequestGate(config, now());
    const names = [undefined, ...config.services.map(({ name }) => name)];
    for (const name of names) this.#counts.set(name, { passed: 0, waited: 0, refused: 0 });
  }

  /** Resolves when it may go, with what is called at its end; rejects with a ProxyRefusal, or when aborted. */
  async enter(
    service: string | undefined,
    user: ProxyUser,
    signal: AbortSignal,
  ): Promise<() => void> {
    signal.throwIfAborted();
    const asked: Asked = { id: this.#next++, service, class: user.class, task: user.key };
    const counts = this.#counts.get(service)!;
    const offered = this.#gate.offer(asked, now());
    if (offered.kind === 'full') {
      counts.refused++;
      throw new ProxyRefusal('rate-limited', offered.retryAfterMs);
    }
    if (offered.kind === 'waits') {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#waiters.set(asked.id, { pass: resolve, refuse: reject });
      const leave = (): void => {
        // Aborted after it was let through, and before it heard of that: its place is given back.
        if (!this.#waiters.delete(asked.id)) return;
        this.#gate.withdraw(asked);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#turn();
      try {
        await promise;
        counts.waited++;
      } catch (error) {
        counts.refused++;
        throw error;
      } finally {
        signal.removeEventListener('abort', leave);
      }
    }
    counts.passed++;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#gate.ended(service);
      this.#turn();
    };
  }

  counts(): readonly (ServiceCounts & {
    readonly service: string | null;
    readonly waiting: number;
  })[] {
    return [...this.#counts].map(([name, counts]) => ({
      service: name ?? null,
      ...counts,
      waiting: this.#gate.waitingFor(name),
    }));
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { refuse } of this.#waiters.values()) refuse(new ProxyRefusal('waited-too-long'));
    this.#waiters.clear();
  }

  #turn(): void {
    clearTimeout(this.#timer);
    const at = now();
    const { passed, expired, nextAt } = this.#gate.turn(at);
    for (const { id } of passed) this.#take(id)?.pass();
    for (const { asked, retryAfterMs } of expired) {
      this.#take(asked.id)?.refuse(new ProxyRefusal('waited-too-long', retryAfterMs));
    }
    if (nextAt === undefined) return;
    this.#timer = setTimeout(() => this.#turn(), nextAt - at);
    this.#timer.unref();
  }

  #take(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    return waiter;
  }
}
