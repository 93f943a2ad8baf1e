import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { machines } from '../../../model/system-calls.ts';
import type { Account, IsolationSite, Namespace, RootEntry } from '../../isolation-plan.ts';
import { seccompProgram } from '../../seccomp-program.ts';
import { read } from './cgroup-files.ts';

const TRIAL_MS = 5000;
const PATHS = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'] as const;

/** What a trial of each namespace adds to a plain one. */
const trials: readonly (readonly [Namespace, readonly string[]])[] = [
  ['user', ['--unshare-user']],
  ['mount', []],
  ['pid', ['--unshare-pid', '--proc', '/proc']],
  ['network', ['--unshare-net']],
  ['ipc', ['--unshare-ipc']],
  ['uts', ['--unshare-uts']],
];

/** What this host can isolate tasks with, found by trying. Takes some 50 ms. */
export function openIsolationSite(hidden: readonly string[], secretsDir: string): IsolationSite {
  const bubblewrap = openBubblewrap();
  const inMemory = /^\S+ \/dev\/shm tmpfs /m.test(read('/proc/mounts') ?? '');
  return {
    root: process.getuid?.() === 0,
    bubblewrap,
    seccomp: openSeccomp(bubblewrap),
    hidden: hidden.filter((path) => existsSync(path)),
    secretsDir: inMemory ? secretsDir : undefined,
    gpuDevices: gpuDevices(),
  };
}

function openBubblewrap(): IsolationSite['bubblewrap'] {
  const path = PATHS.find((one) => existsSync(one));
  if (path === undefined) return { why: 'bubblewrap (bwrap) is not installed' };
  const why = faultOf(path, []);
  if (why !== undefined) return { why: `bwrap cannot be used: ${why}` };
  const namespaces = trials.filter(([, more]) => faultOf(path, more) === undefined);
  return { path, namespaces: namespaces.map(([name]) => name) };
}

/** With a filter that refuses nothing of what the trial does. */
function openSeccomp(bubblewrap: IsolationSite['bubblewrap']): IsolationSite['seccomp'] {
  if ('why' in bubblewrap) return { why: bubblewrap.why };
  const machine = machines.find((one) => one === process.arch);
  if (machine === undefined) return { why: `the system calls of ${process.arch} are not known` };
  const filter = seccompProgram(machine, ['reboot']);
  const why = faultOf(bubblewrap.path, ['--seccomp', '0'], filter);
  return why === undefined ? { machine } : { why: `no filter of system calls: ${why}` };
}

function faultOf(path: string, more: readonly string[], input?: Uint8Array): string | undefined {
  const args = ['--dev-bind', '/', '/', '--tmpfs', '/tmp', ...more, '--', '/bin/true'];
  const { status, stderr, error } = spawnSync(path, args, {
    encoding: 'utf8',
    timeout: TRIAL_MS,
    ...(input && { input }),
  });
  if (status === 0) return undefined;
  return error?.message ?? (stderr.trim().split('\n')[0] || `exit code ${status}`);
}

function gpuDevices(): readonly string[] {
  const cards = entriesOf('/dev').filter((name) => /^nvidia|^kfd$|^dri$/.test(name));
  return cards.map((name) => `/dev/${name}`);
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function rootEntries(): readonly RootEntry[] {
  return readdirSync('/', { withFileTypes: true }).map((entry) =>
    entry.isSymbolicLink()
      ? { name: entry.name, target: readlinkSync(`/${entry.name}`) }
      : { name: entry.name },
  );
}

/** As the host's name service knows it; undefined when it does not. */
export function accountOf(name: string): Account | undefined {
  const found = spawnSync('getent', ['passwd', name], { encoding: 'utf8', timeout: TRIAL_MS });
  const line = found.status === 0 ? found.stdout : localLine(name);
  const [login, , uid, gid, , home] = line?.trim().split(':') ?? [];
  if (login === undefined || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return undefined;
  const groups = spawnSync('id', ['-G', login], { encoding: 'utf8', timeout: TRIAL_MS });
  return {
    name: login,
    uid: Number(uid),
    gid: Number(gid),
    groups: (groups.status === 0 ? groups.stdout : '')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number),
    home: home === undefined || home === '' ? '/' : home,
  };
}

/** Where there is no getent. */
function localLine(name: string): string | undefined {
  return read('/etc/passwd')
    ?.split('\n')
    .find((line) => line.startsWith(`${name}:`));
}
