import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoreKeeper } from '../../src/app/core-keeper.ts';
import { milliCpu, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { AttemptId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node, resources, step, workload } from '../builders/workload.ts';

const by = 'tester' as TenantId;
const cpus = [0, 1, 2, 3].map((id) => ({ id, core: id, numa: id < 2 ? 0 : 1 }));
const exclusive = { execution: { process: { cores: 'exclusive' } } } as const;

type Asked = Command extends infer C ? (C extends Command ? Omit<C, 'at'> : never) : never;

/** A machine of four CPUs, and where the keeper last put whom. */
function machine() {
  const at = timeMs(0);
  const engine = new Engine(
    { tasksMax: 100, endedMax: 10 },
    { scheduler: makeScheduler(defaultScheduling) },
  );
  const kept = new Map<string, string>();
  const keeper = new CoreKeeper(
    engine,
    {
      keepTo: (id, cores) => {
        kept.set(id, cores?.join() ?? 'any');
        return undefined;
      },
      forget: () => Promise.resolve(),
      adopt: () => {},
    },
    () => {},
  );
  const send = (asked: Asked): void => {
    const events: Event[] = [...engine.decide({ ...asked, at } as Command).events];
    for (const event of events) engine.apply(event);
    for (let e = engine.next(at); e !== undefined; e = engine.next(at)) {
      engine.apply(e);
      events.push(e);
    }
    keeper.noteEvents(events);
  };
  send({ kind: 'join-node', node: { ...node('n', { cpu: 4000 }), cpus } });
  return {
    kept,
    submit: (cpu: number, changes = {}) => {
      const spec = workload('w', step('s', { request: resources({ cpu }), ...changes }));
      send({ kind: 'submit', tenant: by, spec });
      const id = `${engine.state.workloadsEver}.s.0.1` as AttemptId;
      send({ kind: 'report-started', attempt: id, pid: 1 });
      return id;
    },
    adjust: (id: AttemptId, cpu: number) =>
      send({ kind: 'adjust', by, workload: id.split('.')[0] as WorkloadId, cpu: milliCpu(cpu) }),
    end: (id: AttemptId) => send({ kind: 'report-ended', attempt: id, end: endedBy('succeeded') }),
    others: (id: AttemptId): string => {
      const own = engine.state.attempt(id)!.placement.cores!;
      return cpus.flatMap((cpu) => (own.includes(cpu.id) ? [] : [cpu.id])).join();
    },
  };
}

test('who shares cores leaves those that another gets, gets more or gives back, and comes back at its end', () => {
  const { submit, adjust, end, others, kept } = machine();
  const shared = submit(500);
  const pinned = submit(1000, exclusive);
  assert.equal(kept.get(shared), others(pinned));
  assert.equal(others(pinned).length, '0,1,2'.length);
  adjust(pinned, 3000);
  assert.equal(others(pinned).length, 1);
  assert.equal(kept.get(shared), others(pinned), 'it leaves what the other got');
  adjust(pinned, 1000);
  assert.equal(kept.get(shared), others(pinned), 'it may go back there');
  assert.equal(kept.has(pinned), false, 'what one has to itself is not its keeper’s');
  end(pinned);
  assert.equal(kept.get(shared), 'any');
});

test('who comes later is where he was placed, and is moved on with the next change', () => {
  const { submit, end, others, kept } = machine();
  const pinned = submit(1000, exclusive);
  const late = submit(500);
  assert.equal(kept.has(late), false);
  const second = submit(1000, exclusive);
  const both = others(pinned)
    .split(',')
    .filter((cpu) => others(second).includes(cpu));
  assert.equal(kept.get(late), both.join());
  end(pinned);
  assert.equal(kept.get(late), others(second));
});
