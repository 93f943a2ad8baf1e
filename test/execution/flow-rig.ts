import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { bytes, milliCpu, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { speaks } from '../../src/engine/flow-scope.ts';
import type { WorkloadRecord } from '../../src/engine/records.ts';
import type { LocalDriver } from '../../src/execution/io/local/driver.ts';
import { OutputFiles } from '../../src/execution/io/local/output-files.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { Node } from '../../src/model/node.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { Loop, type Request } from '../../src/runtime/loop.ts';
import type { Report } from '../../src/runtime/ports.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { GIB, node } from '../builders/workload.ts';
import { Rig, until } from './rig.ts';

/** Put between the loop and the driver, with what it reports. */
export type Around = (
  driver: LocalDriver,
  onReport: (report: Report) => void,
  stateDir: string,
) => Promise<{ readonly driver: LocalDriver; readonly hear: (report: Report) => void }>;

/** `has`: of the node, which has eight CPUs and 64 GiB, whatever the machine of the test has. */
export const openFlowRig = async (
  t: TestContext,
  around?: Around,
  has: Partial<Node> = {},
): Promise<FlowRig> => {
  const rig = new FlowRig(t, around, has);
  await rig.open();
  return rig;
};

/** A loop, an engine and real tasks, with a journal in memory; the daemon without its doors. */
export class FlowRig {
  readonly #rig: Rig;
  readonly #around: Around | undefined;
  readonly #has: Partial<Node>;
  readonly #journal: Event[] = [];
  #engine: Engine | undefined;
  #loop: Loop | undefined;
  #isDeaf = false;

  constructor(t: TestContext, around: Around | undefined, has: Partial<Node>) {
    this.#has = has;
    this.#rig = new Rig(t, { enforcement: 'unprivileged' });
    this.#around = around;
  }

  get stateDir(): string {
    return this.#rig.stateDir;
  }

  workdir(id: WorkloadId): string {
    return join(this.stateDir, 'work', id);
  }

  async open(): Promise<void> {
    const engine = new Engine(
      { tasksMax: 1_000, endedMax: 100, lineMs: 100 },
      { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
    );
    for (const event of this.#journal) engine.apply(event);
    const outputs = new OutputFiles(this.#rig.attemptsDir, {
      speaks: (id) => {
        const attempt = engine.state.attempt(id);
        return attempt !== undefined && speaks(attempt.task.step);
      },
      warn: () => {},
    });
    let hear: (report: Report) => void = () => {};
    const onReport = (report: Report): void => hear(report);
    this.#rig.use({ enforcement: 'unprivileged', onReport: outputs.hearing(onReport) });
    await this.#rig.open();
    const local = outputs.around(this.#rig.driver as LocalDriver);
    const tell = (report: Report): void => {
      if (!this.#isDeaf) loop.report(report);
    };
    const outer = (await this.#around?.(local, tell, this.stateDir)) ?? {
      driver: local,
      hear: tell,
    };
    hear = outer.hear;
    const loop = new Loop(
      {
        baseEnv: { PATH: '/usr/bin:/bin' },
        workRoot: join(this.stateDir, 'work'),
        nodePath: process.execPath,
      },
      {
        engine,
        clock: { now: () => timeMs(Date.now()), alarm: () => {} },
        journal: {
          append: async (events) => {
            this.#journal.push(...events);
          },
        },
        driver: outer.driver,
        onBatch: () => {},
        onFatal: (error) => assert.fail(String(error)),
      },
    );
    this.#engine = engine;
    this.#loop = loop;
    const here = { ...node('here'), cpu: milliCpu(8_000), memory: bytes(64 * GIB), ...this.#has };
    if (this.#journal.length === 0) await this.send({ kind: 'join-node', node: here });
    await loop.reconcile();
  }

  send(request: Request) {
    return this.#loop!.send(request);
  }

  /** `deaf`: the daemon hears nothing more of its driver until it crashes. */
  async submit(
    spec: WorkloadSpec,
    { tenant = 'tester', deaf = false }: { tenant?: string | undefined; deaf?: boolean } = {},
  ): Promise<WorkloadId> {
    this.#isDeaf = deaf;
    return this.#accepted(await this.send({ kind: 'submit', tenant: tenant as TenantId, spec }));
  }

  async retry(workload: WorkloadId): Promise<WorkloadId> {
    return this.#accepted(await this.send({ kind: 'retry', workload, afresh: false }));
  }

  #accepted(answer: Awaited<ReturnType<Loop['send']>>): WorkloadId {
    assert.ok(answer.kind === 'accepted', JSON.stringify(answer));
    return answer.workload;
  }

  async ended(id: WorkloadId): Promise<WorkloadRecord> {
    return until(`end of ${id}`, () => {
      const record = this.#engine!.state.workload(id);
      return record !== undefined && record.state !== 'active' ? record : undefined;
    });
  }

  async seen(path: string): Promise<void> {
    await until(path, () => existsSync(path) || undefined);
  }

  /** The daemon dies, and another one takes over what it left. */
  async crash(): Promise<void> {
    await this.#loop!.close();
    await this.#rig.close();
    this.#isDeaf = false;
    await this.open();
  }
}
