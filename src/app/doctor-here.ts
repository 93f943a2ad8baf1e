import { cpus } from 'node:os';
import { diagnose } from '../analysis/diagnosis/diagnose.ts';
import type { ProfileDocument } from '../api/contract/doctor-documents.ts';
import type { DoctorReport } from '../api/contract/telemetry-documents.ts';
import { doctorReport, profileDocument } from '../api/views/doctor.ts';
import { type TimeMs, timeMs } from '../base/units.ts';
import { runProgram } from '../inventory/io/run-program.ts';
import { OperationError } from '../model/errors.ts';
import { families } from '../telemetry/families.ts';
import { openSampling } from '../telemetry/io/sampling.ts';
import { LatestReadings } from '../telemetry/latest.ts';
import { type KeptSeries, type Reading, seriesKey } from '../telemetry/metric.ts';
import { samplers } from '../telemetry/samplers/registry.ts';
import { takeLook } from './doctor-look.ts';
import { pidsOfContainer, takeProfile, treeOf } from './doctor-profile.ts';

/** Looks at this machine for so long with samplers of its own: no daemon is needed, and nothing of Berth is known. */
export async function lookHere(forMs: number): Promise<DoctorReport> {
  const now = (): TimeMs => timeMs(Date.now());
  const live = new LatestReadings(families, () => performance.now());
  const sampling = new AbortController();
  const kept = new Map<string, KeptSeries>();
  const ended = Promise.withResolvers<void>();
  const from = now();
  openSampling({
    samplers,
    sources: [],
    live,
    sysroot: '/',
    now,
    run: runProgram,
    signal: sampling.signal,
    onTick: (at, readings) => {
      for (const reading of readings) keep(kept, at, reading);
      if (at - from >= forMs) ended.resolve();
    },
  });
  await ended.promise;
  sampling.abort();
  const history = {
    names: () => [...new Set([...kept.values()].map(({ name }) => name))],
    query: ({ name }: { readonly name: string }) =>
      [...kept.values()].filter((one) => one.name === name),
  };
  const facts = {
    tasks: [],
    cpus: cpus().length || undefined,
    waitingTasks: 0,
    others: 'everything',
    look: await takeLook(() => undefined),
  };
  return doctorReport(diagnose({ history, live }, { from, to: now() }, facts));
}

function keep(kept: Map<string, KeptSeries>, at: TimeMs, { name, labels, value }: Reading): void {
  const key = seriesKey(name, labels);
  const point = { at, min: value, max: value, mean: value, last: value, count: 1 };
  const points = [...(kept.get(key)?.points ?? []), point];
  kept.set(key, { key, name, labels, points });
}

export async function profileProcess(pid: number, forMs: number): Promise<ProfileDocument> {
  if (treeOf(pid).length === 0) {
    throw new OperationError('NOT_FOUND', `There is no process ${pid}.`, { hint: 'See `ps`.' });
  }
  const taken = await takeProfile({ pids: () => treeOf(pid), throttled: () => undefined, forMs });
  return profileDocument(`process ${pid}`, taken);
}

export async function profileContainer(id: string, forMs: number): Promise<ProfileDocument> {
  const found = [...pidsOfContainer(id)];
  const [first, second] = found;
  if (first === undefined) {
    throw new OperationError(
      'NOT_FOUND',
      `No process is in a container whose id begins so: ${id}.`,
      {
        hint: 'See `docker ps` or `crictl ps`.',
      },
    );
  }
  if (second !== undefined) {
    const names = found.slice(0, 5).map(([name]) => name);
    throw new OperationError('USAGE', `${found.length} containers begin so: ${names.join(', ')}.`);
  }
  const pids = (): readonly number[] => [...pidsOfContainer(id).values()].flat();
  const taken = await takeProfile({ pids, throttled: () => undefined, forMs });
  return profileDocument(first[0], taken);
}
