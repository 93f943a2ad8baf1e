import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { bytes, milliCpu, milliGpu, spanMs, UNLIMITED } from '../../src/base/units.ts';
import { type LocalDriverOptions, openLocalDriver } from '../../src/execution/io/local/driver.ts';
import type { AttemptEnd } from '../../src/model/attempt.ts';
import type { ExecutionTerms } from '../../src/model/execution-terms.ts';
import type { StepId, WorkloadId } from '../../src/model/ids.ts';
import { type AttemptId, attemptId, type NodeId, taskId } from '../../src/model/ids.ts';
import type { Limits, Run } from '../../src/model/workload.ts';
import type { AttemptStart, Driver, Report } from '../../src/runtime/ports.ts';

export const MIB = 1024 * 1024;
/** Of an emulated machine, which is many times slower. */
export const patience = Number(process.env['BERTH_TEST_PATIENCE'] ?? 1);
const WAIT_MS = 15_000 * patience;

export interface Ask {
  readonly execution?: ExecutionTerms;
  readonly cores?: readonly number[];
  readonly gpus?: readonly string[];
  readonly memory?: number;
  readonly workdir?: string;
  readonly run: string | readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly cpu?: number;
  readonly memoryLimit?: number;
  readonly limits?: Partial<Limits>;
}

export const id = (n: number): AttemptId =>
  attemptId(taskId('1' as WorkloadId, 'step' as StepId, n), 1);

export function attemptStart(attempt: AttemptId, ask: Ask): AttemptStart {
  const memoryLimit = bytes(ask.memoryLimit ?? UNLIMITED);
  const run: Run =
    typeof ask.run === 'string'
      ? { kind: 'shell', script: ask.run }
      : { kind: 'argv', argv: ask.run };
  return {
    attempt,
    run,
    env: ask.env ?? { PATH: '/usr/bin:/bin' },
    cwd: ask.cwd ?? '/',
    workdir: ask.workdir ?? '/tmp',
    placement: {
      node: 'here' as NodeId,
      held: {
        cpu: milliCpu(ask.cpu ?? 1000),
        memory: bytes(ask.memory ?? 0),
        gpu: milliGpu(0),
        custom: [],
      },
      gpus: ask.gpus ?? [],
      memoryLimit,
      ...(ask.cores && { cores: ask.cores }),
    },
    limits: {
      cpu: milliCpu(UNLIMITED),
      memory: memoryLimit,
      pids: UNLIMITED,
      wallMs: spanMs(60_000),
      graceMs: spanMs(1000),
      logBytes: bytes(MIB),
      ...ask.limits,
    },
    ...(ask.execution && { execution: ask.execution }),
  };
}

/** A driver on a state folder of its own; ends every process of it when the test ends. */
export class Rig {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'berth-test-'));
  readonly reports: Report[] = [];
  readonly warnings: string[] = [];
  #options: Partial<LocalDriverOptions>;
  #driver: Driver | undefined;

  constructor(t: TestContext, options: Partial<LocalDriverOptions>) {
    this.#options = options;
    t.after(() => this.#cleanUp());
  }

  /** For the next `open`. */
  use(options: Partial<LocalDriverOptions>): void {
    this.#options = options;
  }

  get driver(): Driver {
    assert.ok(this.#driver !== undefined);
    return this.#driver;
  }

  get attemptsDir(): string {
    return join(this.stateDir, 'attempts');
  }

  async open(): Promise<this> {
    this.#driver = await openLocalDriver(
      {
        stateDir: this.stateDir,
        onReport: (report) => this.reports.push(report),
        ...this.#options,
      },
      { warn: (message) => this.warnings.push(message) },
    );
    return this;
  }

  async close(): Promise<void> {
    await this.#driver?.close();
    this.#driver = undefined;
  }

  start(n: number, ask: Ask): void {
    this.driver.start(attemptStart(id(n), ask));
  }

  async run(n: number, ask: Ask): Promise<AttemptEnd> {
    this.start(n, ask);
    return this.ended(n);
  }

  /** The pid that was reported. */
  async started(n: number): Promise<number> {
    const report = await until(`start of ${n}`, () =>
      this.reports.find((r) => r.kind === 'started' && r.attempt === id(n)),
    );
    assert.ok(report.kind === 'started');
    return report.pid;
  }

  async ended(n: number): Promise<AttemptEnd> {
    const report = await until(`end of ${n}`, () =>
      this.reports.find((r) => r.kind === 'ended' && r.attempt === id(n)),
    );
    assert.ok(report.kind === 'ended');
    return report.end;
  }

  /** Resolves when the task has printed the text. */
  async printed(n: number, text: string): Promise<void> {
    await until(`'${text}' of ${n}`, () => this.log(n).includes(text) || undefined);
  }

  log(n: number, stream = 'stdout'): string {
    const path = join(this.attemptsDir, id(n), `${stream}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  record(n: number): string {
    return readFileSync(this.recordPath(n), 'utf8');
  }

  recordPath(n: number): string {
    return join(this.attemptsDir, `${id(n)}.record`);
  }

  launcherPid(): number {
    return Number(readFileSync(join(this.stateDir, 'launcher.lock'), 'utf8'));
  }

  /** Settled by a launcher that may have been killed meanwhile. */
  async settled(n: number): Promise<void> {
    const path = join(this.attemptsDir, `${id(n)}.settled`);
    await until(`${n} to be settled`, () => existsSync(path) || undefined);
  }

  shimPid(n: number): number {
    return Number(/\tshim=(\d+)/.exec(this.record(n))?.[1]);
  }

  /** Processes of tasks of this rig, by the mark in their environment. */
  taskPids(): number[] {
    const mark = `BERTH_INSTANCE=${this.instance()}`;
    return processes().filter((pid) => (read(`/proc/${pid}/environ`) ?? '').includes(mark));
  }

  /** The launcher and its shims, by their command line. */
  ownPids(): number[] {
    return processes().filter((pid) =>
      (read(`/proc/${pid}/cmdline`) ?? '').includes(`launcher.pl\0${this.stateDir}\0`),
    );
  }

  instance(): string {
    return (read(join(this.stateDir, 'instance')) ?? 'none').trim();
  }

  async #cleanUp(): Promise<void> {
    await this.close();
    await until('all processes to be gone', () => {
      const left = [...this.ownPids(), ...this.taskPids()];
      for (const pid of left) kill(pid);
      return left.length === 0 || undefined;
    });
    for (const parent of this.cgroups()) {
      for (const child of readdirSync(parent, { withFileTypes: true })) {
        if (child.isDirectory()) rmdirSync(join(parent, child.name));
      }
      rmdirSync(parent);
    }
    rmSync(`/dev/shm/berth-${this.instance().slice(0, 8)}`, { recursive: true, force: true });
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** Our parent cgroups, wherever they are. */
  cgroups(): string[] {
    const { enforcement, cgroupRoot } = this.#options;
    if (enforcement === 'unprivileged' || cgroupRoot !== undefined) return [];
    const name = `berth-${this.instance().slice(0, 8)}`;
    const found = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd', '-name', name], {
      encoding: 'utf8',
    });
    return [...new Set(found.stdout.split('\n').filter((path) => path !== ''))];
  }
}

/** Polls for what another process does; fails after a while. */
export async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    assert.ok(performance.now() < deadline, `waited too long for ${what}`);
    await wait(5);
  }
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  // 0 would be the group of this very process.
  assert.ok(pid > 1, `not to be signalled: ${pid}`);
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}

function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
