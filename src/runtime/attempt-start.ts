import { assert } from '../base/assert.ts';
import { UNLIMITED } from '../base/units.ts';
import { speaks } from '../engine/flow-scope.ts';
import type { AttemptRecord } from '../engine/records.ts';
import { metersUse } from '../engine/told-use.ts';
import type { WorkloadLimits } from '../model/flow.ts';
import type { Placement } from '../model/messages.ts';
import type { Gpu } from '../model/node.ts';
import type { Limits } from '../model/workload.ts';
import { fillTask } from './fill-holes.ts';
import { gpuEnvironment } from './gpu-environment.ts';
import type { AttemptStart } from './ports.ts';
import { threadVariables } from './thread-variables.ts';

/** What the daemon knows of the machine that every task is told. */
export interface LaunchSite {
  /** PATH, HOME, LANG, USER… as tasks get them. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** One folder a workload below this one, shared by its steps. */
  readonly workRoot: string;
  /** The Node binary that runs Berth, for tasks written in JavaScript. */
  readonly nodePath: string;
}

/**
 * Everything a driver needs to start a placed attempt. The same for the same attempt, whenever it is asked,
 * while its node has the same devices.
 */
export function attemptStart(
  attempt: AttemptRecord,
  site: LaunchSite,
  devices: readonly Gpu[],
): AttemptStart {
  const { task, placement } = attempt;
  const { spec, workload } = task.step;
  // A run that goes on with another one finds what that left.
  const workdir = `${site.workRoot}/${workload.resumes?.folder ?? workload.id}`;
  const memory = placement.memoryLimit;
  const saves = spec.execution?.checkpoint !== undefined;
  const meters = metersUse(workload.spec, spec);
  const filled = fillTask(task);
  assert(!('why' in filled), 'whoever asks has looked whether its holes can be filled');
  const { run, env, item, cache } = filled;
  assert(run.kind !== 'held', 'a lease has nothing to start');
  return {
    attempt: attempt.id,
    ...(attempt.behind === undefined ? {} : { after: attempt.behind.id }),
    run,
    env: {
      ...threadVariables(spec.execution?.process, placement),
      ...baseEnvOf(site, spec.execution?.isolation?.user),
      ...env,
      BERTH_WORKLOAD: workload.id,
      BERTH_STEP: spec.id,
      BERTH_TASK_INDEX: String(task.index),
      BERTH_TASK_COUNT: String(spec.count),
      ...(item !== undefined && { BERTH_ITEM: item }),
      BERTH_ATTEMPT: String(attempt.number),
      BERTH_WORKDIR: workdir,
      BERTH_CPUS: String(placement.held.cpu / 1000),
      ...(memory === UNLIMITED ? {} : { BERTH_MEMORY_BYTES: String(memory) }),
      BERTH_NODE: site.nodePath,
      ...(meters && useEnvironment(workload.spec.limits, spec.limits)),
      ...(saves && {
        BERTH_CHECKPOINT_DIR: `${workdir}/checkpoints/${spec.id}.${task.index}`,
        ...(attempt.number > 1 && { BERTH_RESUMED: '1' }),
      }),
      ...gpuEnvironment(placement, devices),
      ...portEnvironment(placement),
      ...customEnvironment(placement),
    },
    cwd: spec.cwd === '' ? workdir : spec.cwd,
    workdir,
    placement,
    limits: { ...spec.limits, ...attempt.live?.limits, memory: placement.memoryLimit },
    ...(spec.execution && { execution: spec.execution }),
    ...(speaks(task.step) && { outputs: true }),
    ...(meters && { meters: true }),
    ...(cache && { cache }),
  };
}

/** `PORT_ADMIN` for a port named `admin`; where there is only one, `PORT`, too. */
function portEnvironment({ ports = {} }: Placement): Record<string, string> {
  const named = Object.entries(ports).map(([name, port]) => {
    return [`PORT_${name.toUpperCase().replaceAll('-', '_')}`, String(port)];
  });
  const only = named.length === 1 ? { PORT: named[0]![1] } : {};
  return { ...only, ...Object.fromEntries(named) };
}

/** What it may tell of its use, and all tasks of its workload together. */
function useEnvironment(
  whole: WorkloadLimits | undefined,
  { modelCalls, tokens, results }: Limits,
): Record<string, string> {
  const rows = [
    ['BERTH_MAX_MODEL_CALLS', modelCalls],
    ['BERTH_MAX_TOKENS', tokens],
    ['BERTH_MAX_RESULTS', results],
    ['BERTH_WORKLOAD_MAX_MODEL_CALLS', whole?.modelCalls],
    ['BERTH_WORKLOAD_MAX_TOKENS', whole?.tokens],
  ] as const;
  const said = rows.filter(([, most]) => most !== undefined && most < UNLIMITED);
  return Object.fromEntries(said.map(([name, most]) => [name, String(most)]));
}

/** `BERTH_CUSTOM_FPGA` for what it holds of a resource named `fpga`. */
function customEnvironment({ held }: Placement): Record<string, string> {
  const amounts = held.custom.map(([name, amount]) => [
    `BERTH_CUSTOM_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`,
    String(amount),
  ]);
  return Object.fromEntries(amounts) as Record<string, string>;
}

/** Another user has a home and a name of its own, which the driver knows. */
function baseEnvOf({ baseEnv }: LaunchSite, user: string | undefined): LaunchSite['baseEnv'] {
  if (user === undefined) return baseEnv;
  const { HOME: _home, USER: _user, ...others } = baseEnv;
  return others;
}
