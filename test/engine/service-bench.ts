import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import type { ProbeKind } from '../../src/model/service.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node } from '../builders/workload.ts';

const tenant = 'ada' as TenantId;
const web = '1' as WorkloadId;

export const newEngine = (): Engine =>
  new Engine(
    { tasksMax: 10_000, endedMax: 10 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );

type Timeless = Command extends infer C ? (C extends Command ? Omit<C, 'at'> : never) : never;

/** One service on one large node; whoever uses it plays the launcher and the probes. */
export class ServiceBench {
  engine = newEngine();
  readonly journal: Event[] = [];
  now = 0;
  readonly #onEvent: (event: Event) => void;

  constructor(spec: WorkloadSpec, onEvent: (event: Event) => void = () => {}) {
    this.#onEvent = onEvent;
    this.send({ kind: 'join-node', node: node('n', { cpu: 100_000 }) });
    this.send({ kind: 'submit', tenant, spec });
  }

  send(command: Timeless): Event[] {
    const before = this.journal.length;
    const at = timeMs(this.now);
    const decision = this.engine.decide({ ...command, at } as Command);
    for (const event of decision.events) this.#apply(event);
    for (let e = this.engine.next(at); e !== undefined; e = this.engine.next(at)) this.#apply(e);
    return this.journal.slice(before);
  }

  #apply(event: Event): void {
    this.engine.apply(event);
    this.journal.push(event);
    this.#onEvent(event);
  }

  get service() {
    return this.engine.state.workload(web)!;
  }

  /** Attempts that were placed and have not ended, in order. */
  get running(): AttemptId[] {
    return [...this.engine.state.runningAttempts()].map(({ id }) => id);
  }

  start(id: string): Event[] {
    return this.send({ kind: 'report-started', attempt: id as AttemptId, pid: 1 });
  }

  probe(id: string, ok = true, probe: ProbeKind = 'readiness'): Event[] {
    const detail = ok ? 'ok' : 'no answer';
    return this.send({ kind: 'report-probe', attempt: id as AttemptId, probe, ok, detail });
  }

  end(id: string, cause: EndCause = 'failed'): Event[] {
    return this.send({ kind: 'report-ended', attempt: id as AttemptId, end: endedBy(cause) });
  }

  scale(replicas: number): Event[] {
    return this.send({ kind: 'scale', workload: web, replicas });
  }

  update(spec: WorkloadSpec): Event[] {
    return this.send({ kind: 'update', workload: web, spec });
  }

  cancel(): Event[] {
    return this.send({ kind: 'cancel', workload: web, by: tenant });
  }

  wait(ms: number): Event[] {
    this.now += ms;
    return this.send({ kind: 'tick' });
  }

  /** The launcher and the probes do as they should: what is placed starts and answers, what is stopped ends. */
  obey(good: (attempt: string) => boolean = () => true): void {
    for (let rounds = 0; rounds < 1_000; rounds++) {
      const before = this.journal.length;
      for (const id of this.running) {
        const attempt = this.engine.state.attempt(id);
        if (attempt === undefined || attempt.end !== undefined) continue;
        if (attempt.stop !== undefined) this.end(id, 'cancelled');
        else if (attempt.startedAt === undefined) this.start(id);
        else if (good(id) && attempt.health?.readySince === undefined) this.probe(id);
      }
      if (this.journal.length === before) return;
    }
    throw new Error('it never comes to rest');
  }

  /** Obeys while time passes. */
  settle(ms: number, good?: (attempt: string) => boolean): void {
    for (const end = this.now + ms; this.now < end; this.wait(1_000)) this.obey(good);
    this.obey(good);
  }
}
