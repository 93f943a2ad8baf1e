import assert from 'node:assert/strict';
import { type Bytes, milliCpu, milliGpu, spanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId, NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import type { Node } from '../../src/model/node.ts';
import { type Duration, type Reservation, UTC } from '../../src/model/reservation.ts';
import type { StepSpec } from '../../src/model/workload.ts';
import type { GangSchedulerOptions } from '../../src/scheduling/gang-answers.ts';
import { GangScheduler } from '../../src/scheduling/gang-scheduler.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { bestFit } from '../../src/scheduling/scorers/best-fit.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node, resources, step, workload } from '../builders/workload.ts';
import { eventLine } from '../sim/trace.ts';

/** A command with the lines that the engine must answer, all of them and in this order. */
export interface Move {
  readonly line: number;
  readonly text: string;
  /** The indented `step` lines of a `submit`. */
  readonly steps: readonly string[];
  readonly want: readonly string[];
}

/** README.md beside this file says what may be written. */
export function parseScenario(text: string): Move[] {
  const moves: (Move & { steps: string[]; want: string[] })[] = [];
  text.split('\n').forEach((raw, i) => {
    const line = raw.replace(/#.*/, '').trimEnd();
    if (line.trim() === '') return;
    const last = moves.at(-1);
    if (line.startsWith('> ')) {
      assert.ok(last !== undefined, `line ${i + 1}: an expectation before any command`);
      last.want.push(line.slice(2).trim());
    } else if (line.startsWith(' ')) {
      const submits = last?.text.startsWith('submit ') ?? false;
      assert.ok(last !== undefined && submits, `line ${i + 1}: only submit has steps`);
      last.steps.push(line.trim());
    } else moves.push({ line: i + 1, text: line, steps: [], want: [] });
  });
  return moves;
}

const options = { tasksMax: 1_000, endedMax: 100 };
const tenant = 'operator' as TenantId;

/** Plays one scenario on an engine and a clock of its own. */
export class Stage {
  #policy: GangSchedulerOptions = {};
  #engine = this.#fresh();
  readonly #journal: Event[] = [];
  #now = timeMs(0);

  /** What the engine says to a move. */
  play({ text, steps }: Move): string[] {
    const [verb, ...words] = text.split(/\s+/);
    const [first = ''] = words;
    const at = this.#now;
    switch (verb) {
      case 'node':
        return this.#send({ kind: 'join-node', at, node: parseNode(words) });
      case 'policy': {
        const pairs = parsePairs(words);
        const { 'min-run': minRun = '0s', budget = '1000', reserve } = pairs;
        const preemption = {
          minRunMs: spanMs(parseSeconds(minRun) * 1_000),
          perQueueHour: Number(budget),
        };
        const reservations = reserve === undefined ? [] : [parseReservation(reserve, pairs)];
        this.#policy =
          pairs['preemption'] === 'on' ? { preemption, reservations } : { reservations };
        this.#engine = this.#fresh();
        return [];
      }
      case 'leave':
        return this.#send({ kind: 'leave-node', at, node: first as NodeId });
      case 'submit': {
        const { priority = '0' } = parsePairs(words.slice(1));
        const spec = workload(first, ...steps.map(parseStep));
        return this.#send({
          kind: 'submit',
          at,
          tenant,
          spec: { ...spec, priority: Number(priority) },
        });
      }
      case 'cancel':
        return this.#send({ kind: 'cancel', at, workload: first as WorkloadId, by: tenant });
      case 'start':
        return this.#send({ kind: 'report-started', at, attempt: first as AttemptId, pid: 1 });
      case 'end': {
        const end = endedBy((words[1] ?? 'succeeded') as EndCause);
        return this.#send({ kind: 'report-ended', at, attempt: first as AttemptId, end });
      }
      case 'wait':
        this.#now = timeMs(at + parseSeconds(first) * 1_000);
        return this.#send({ kind: 'tick', at: this.#now });
      case 'restart':
        this.#restart(first);
        return this.#send({ kind: 'tick', at });
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  #send(command: Command): string[] {
    const decision = this.#engine.decide(command);
    const events = [...decision.events];
    for (const event of events) this.#engine.apply(event);
    const { at } = command;
    for (let e = this.#engine.next(at); e !== undefined; e = this.#engine.next(at)) {
      this.#engine.apply(e);
      events.push(e);
    }
    this.#journal.push(...events);
    const { answer } = decision;
    const refusal = answer.kind === 'refused' ? [`refused ${answer.refusal.code}`] : [];
    return [...refusal, ...events.map(eventLine)];
  }

  #fresh(): Engine {
    return new Engine(options, {
      scheduler: (deps) =>
        new GangScheduler(deps, new PriorityScheduler(deps, bestFit), this.#policy),
    });
  }

  /** A new engine, from the journal or from a snapshot of the old one. */
  #restart(from: string): void {
    const engine = this.#fresh();
    if (from === 'snapshot') restoreSnapshot(engine.state, takeSnapshot(this.#engine.state));
    else for (const event of this.#journal) engine.apply(event);
    this.#engine = engine;
  }
}

function parsePairs(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word): [string, string] => {
      const [name, value] = word.split('=');
      assert.ok(name !== undefined && value !== undefined, `not name=value: ${word}`);
      return [name, value];
    }),
  );
}

function parseNode([id, ...words]: readonly string[]): Node {
  const { cpu = '1', memory = '8Gi', gpus = '0', ...custom } = parsePairs(words);
  return node(id!, {
    cpu: Number(cpu) * 1000,
    memory: parseMemory(memory),
    gpus: Number(gpus),
    custom: Object.entries(custom).map(([name, amount]) => [name, Number(amount)]),
  });
}

function parseStep(line: string): StepSpec {
  const [keyword, id, ...words] = line.split(/\s+/);
  assert.equal(keyword, 'step');
  const {
    cpu = '1',
    memory = '1Gi',
    gpu = '0',
    limit,
    needs,
    count = '1',
    'max-parallel': maxParallel,
    retries = '0',
    backoff = '1s',
    growth = '1',
    gang,
    same,
    preemptible,
    'min-run': minRun,
    estimate,
    ...custom
  } = parsePairs(words);
  const plain = step(id!);
  return step(id!, {
    ...(gang === undefined ? {} : { gangMin: Number(gang) }),
    ...(same === undefined ? {} : { topology: { label: same, required: true } }),
    ...(estimate === undefined ? {} : { estimateMs: spanMs(parseSeconds(estimate) * 1_000) }),
    ...(preemptible === undefined && minRun === undefined
      ? {}
      : {
          stops: {
            preemptible: preemptible !== 'no',
            restartMs: spanMs(0),
            minRunMs: spanMs(parseSeconds(minRun ?? '0s') * 1_000),
          },
        }),
    needs: needs?.split(',') ?? [],
    count: Number(count),
    maxParallel: maxParallel === undefined ? UNLIMITED : Number(maxParallel),
    request: {
      ...resources({ memory: parseMemory(memory) }),
      cpu: milliCpu(Number(cpu) * 1000),
      gpu: milliGpu(Number(gpu) * 1000),
      custom: Object.entries(custom).map(([name, amount]) => [name, Number(amount)] as const),
    },
    limits: {
      ...plain.limits,
      memory: (limit === undefined ? UNLIMITED : parseMemory(limit)) as Bytes,
    },
    retry: {
      ...plain.retry,
      maxRetries: Number(retries),
      backoffMs: spanMs(parseSeconds(backoff) * 1_000),
      memoryGrowth: (Number(growth) * 10_000) as never,
    },
  });
}

/** `reserve=production_* cpu=2 from=60s to=120s`: every day, counted from midnight UTC; always without `from`. */
function parseReservation(pattern: string, pairs: Record<string, string>): Reservation {
  const { cpu = '1', from, to } = pairs;
  const duration: Duration =
    from === undefined || to === undefined
      ? { kind: 'always' }
      : {
          kind: 'daily',
          startMs: parseSeconds(from) * 1_000,
          endMs: parseSeconds(to) * 1_000,
          zone: UTC,
        };
  const amount = { ...resources({ memory: 0 }), cpu: milliCpu(Number(cpu) * 1000) };
  return { name: 'kept', selector: { pipelines: [pattern] }, amount, parts: 1, duration };
}

function parseMemory(text: string): number {
  const found = /^(\d+(?:\.\d+)?)Gi$/.exec(text);
  assert.ok(found, `not an amount of memory in Gi: ${text}`);
  return Number(found[1]) * 1024 ** 3;
}

function parseSeconds(text: string): number {
  const found = /^(\d+)s$/.exec(text);
  assert.ok(found, `not a time in s: ${text}`);
  return Number(found[1]);
}
