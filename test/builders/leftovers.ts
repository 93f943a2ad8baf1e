import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A launcher with nothing to do ends after 5 s. */
const GONE_MS_MAX = 30_000;

/**
 * What a state folder left on this machine: its daemon, launcher, shims and tasks, its cgroups, its network
 * namespaces and links (a queue of tc goes with its link), and mounts inside it. One line each; empty when nothing is left.
 */
export function leftoversOf(stateDir: string): readonly string[] {
  const instance = read(join(stateDir, 'instance'))?.trim();
  return [
    ...processes(stateDir, instance),
    ...cgroups(instance),
    ...links(instance),
    ...mounts(stateDir),
  ];
}

/** Resolves with what is still there after all but the expected has had time to go. */
export async function settledLeftovers(
  stateDir: string,
  expected: readonly string[] = [],
): Promise<readonly string[]> {
  for (let waitedMs = 0; ; waitedMs += 200) {
    const left = leftoversOf(stateDir);
    const others = left.filter((line) => !expected.includes(line));
    if (others.length === 0 || waitedMs >= GONE_MS_MAX) return left;
    await wait(200);
  }
}

function processes(stateDir: string, instance: string | undefined): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const words = (read(`/proc/${pid}/cmdline`) ?? '').split('\0');
    const environment = (read(`/proc/${pid}/environ`) ?? '').split('\0');
    const ours =
      words.some((word) => word === stateDir || word.startsWith(`${stateDir}/`)) ||
      (instance !== undefined && environment.includes(`BERTH_INSTANCE=${instance}`));
    if (ours) found.push(`process ${pid}: ${words.join(' ').trim().slice(0, 200)}`);
  }
  return found;
}

function cgroups(instance: string | undefined): string[] {
  if (instance === undefined || !existsSync('/sys/fs/cgroup')) return [];
  const name = `berth-${instance.slice(0, 8)}`;
  return [`/sys/fs/cgroup/${name}`, `/sys/fs/cgroup/*/${name}`, `/sys/fs/cgroup/*/*/*/${name}`]
    .flatMap((pattern) => globSync(pattern))
    .flatMap((path) => [path, ...globSync(`${path}/*/`)])
    .map((path) => `cgroup ${path}`);
}

function links(instance: string | undefined): string[] {
  if (instance === undefined) return [];
  return [
    `/run/netns/berth-${instance.slice(0, 8)}*`,
    `/sys/class/net/berth-${instance.slice(0, 6)}*`,
  ]
    .flatMap((pattern) => globSync(pattern))
    .map((path) => `link ${path}`);
}

function mounts(stateDir: string): string[] {
  return (read('/proc/self/mountinfo') ?? '')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path === stateDir || path.startsWith(`${stateDir}/`))
    .map((path) => `mount ${path}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Gone meanwhile, or another user's: not ours.
    return undefined;
  }
}
