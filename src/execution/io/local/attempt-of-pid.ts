import { read } from './cgroup-files.ts';

/** Which attempt of this instance a process belongs to: by the mark in its environment, or by its cgroup. */
export function attemptOfPid(pid: number, instance: string): string | undefined {
  const environment = (read(`/proc/${pid}/environ`) ?? '').split('\0');
  if (environment.includes(`BERTH_INSTANCE=${instance}`)) {
    const mark = environment.find((one) => one.startsWith('BERTH_ATTEMPT_ID='));
    if (mark !== undefined) return mark.slice(mark.indexOf('=') + 1);
  }
  const parent = `/berth-${instance.slice(0, 8)}/`;
  for (const line of (read(`/proc/${pid}/cgroup`) ?? '').split('\n')) {
    const at = line.indexOf(parent);
    if (at >= 0) return line.slice(at + parent.length).split('/')[0];
  }
  return undefined;
}
