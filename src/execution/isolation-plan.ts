import { hex } from '../base/hex.ts';
import type { TermEnforcement } from '../model/attempt.ts';
import type { IsolationTerms, SecretUse } from '../model/execution-terms.ts';
import type { Machine } from '../model/system-calls.ts';
import { refusedCalls, seccompProgram } from './seccomp-program.ts';

export type Namespace = NonNullable<IsolationTerms['namespaces']>[number];

/** What this host can isolate tasks with: tried when the first task asks for it. */
export interface IsolationSite {
  /** Whether the daemon may become another user. */
  readonly root: boolean;
  readonly bubblewrap:
    | { readonly path: string; readonly namespaces: readonly Namespace[] }
    | { readonly why: string };
  /** Whose system calls a filter may refuse; or why it cannot. */
  readonly seccomp: { readonly machine: Machine } | { readonly why: string };
  /** Folders of Berth's own that an isolated task does not see. */
  readonly hidden: readonly string[];
  /** In memory, never on disk; undefined where the host has no such place. */
  readonly secretsDir: string | undefined;
  /** Device files of GPUs. */
  readonly gpuDevices: readonly string[];
}

export interface IsolationTask {
  readonly terms: IsolationTerms;
  readonly cwd: string;
  /** Of Berth's own hidden folders, those that it sees and may write. */
  readonly folders: readonly string[];
  readonly volumes: readonly VolumeMount[];
  /** What is in `/`, where a volume is to be mounted on a folder that is not there. */
  readonly rootEntries: readonly RootEntry[] | undefined;
  /** Undefined where no such user is known. */
  readonly user: Account | undefined;
  /** Its folder of secrets. */
  readonly secrets: string | undefined;
  readonly gpus: boolean;
  /** Device files of GPUs that others have. */
  readonly closed: readonly string[];
}

export interface VolumeMount {
  readonly source: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

export interface RootEntry {
  readonly name: string;
  /** Of a symbolic link. */
  readonly target?: string;
}

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}

/** What the shim does, see isolation.pl. */
export interface IsolationPlan {
  /** bwrap and its arguments; empty where the task needs no mounts or namespaces of its own. */
  readonly wrap: readonly string[];
  /** `UID:GID,GID…`; empty: it stays who it is. */
  readonly account: string;
  readonly noNewPrivileges: boolean;
  readonly secrets: readonly SecretUse[];
  /** A filter of system calls, in hexadecimal digits; empty: none. */
  readonly seccomp: string;
  readonly terms: readonly TermEnforcement[];
}

/**
 * Of root's rights, those that ordinary programs need: what the container engines leave by default.
 * Without CAP_SYS_ADMIN and CAP_SYS_PTRACE it can neither undo its mounts nor look through the daemon's eyes.
 */
const KEPT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
] as const;

/** @returns the plan, or why the task cannot be isolated as it asks. */
export function planIsolation(
  site: IsolationSite,
  task: IsolationTask,
): IsolationPlan | { readonly why: string } {
  const { terms } = task;
  const ours = betrayed(site, task);
  if (ours !== undefined) return { why: `${ours} is in a folder of Berth's own` };
  const outcomes = termsOf(site, task);
  const lost = outcomes.find(({ by, term }) => by === 'none' && isNeeded(term, task));
  if (lost !== undefined && terms.required !== false) {
    return { why: `${lost.term}: ${lost.note}` };
  }
  const holds = new Set(outcomes.filter(({ by }) => by !== 'none').map(({ term }) => term));
  const { bubblewrap } = site;
  const wrap =
    wantsMounts(task) && 'path' in bubblewrap
      ? [bubblewrap.path, ...wrapOf(site, task, holds)]
      : [];
  const { user } = task;
  return {
    wrap,
    account: holds.has('user') && user !== undefined ? accountOf(user) : '',
    noNewPrivileges: terms.noNewPrivileges === true,
    secrets: holds.has('secrets') ? (terms.secrets ?? []) : [],
    seccomp:
      holds.has('seccomp') && 'machine' in site.seccomp
        ? hex(seccompProgram(site.seccomp.machine, refusedCalls(terms.seccomp)))
        : '',
    terms: outcomes,
  };
}

/** Volumes that it may write to it finds by its environment, too. */
const isNeeded = (term: string, { volumes }: IsolationTask): boolean =>
  term !== 'volumes' || volumes.some(({ readOnly }) => readOnly);

/** Whether it asks for what takes mounts of its own. */
export function wantsMounts({ terms, volumes }: Pick<IsolationTask, 'terms' | 'volumes'>): boolean {
  const lists = [terms.readOnly, terms.writable, terms.namespaces, volumes];
  return (
    terms.user !== undefined ||
    terms.privateTmp === true ||
    terms.devices !== undefined ||
    terms.daemonAccess !== undefined ||
    refusedCalls(terms.seccomp).length > 0 ||
    lists.some((list) => list !== undefined && list.length > 0)
  );
}

const accountOf = ({ uid, gid, groups }: Account): string =>
  `${uid}:${[gid, ...groups.filter((group) => group !== gid)].join(',')}`;

function termsOf(site: IsolationSite, task: IsolationTask): readonly TermEnforcement[] {
  const { terms, volumes } = task;
  const found: TermEnforcement[] = [];
  const add = (term: string, why: string | undefined, note: string): void => {
    found.push(why === undefined ? { term, by: 'kernel', note } : { term, by: 'none', note: why });
  };
  const noMounts = 'why' in site.bubblewrap ? site.bubblewrap.why : undefined;
  if (terms.user !== undefined) {
    add('user', noUser(site, task), `runs as ${terms.user}`);
  }
  if (terms.noNewPrivileges === true) add('no-new-privileges', undefined, 'prctl');
  if (terms.privateTmp === true) add('private-tmp', noMounts, 'in memory, counted to it');
  if ((terms.readOnly?.length ?? 0) > 0) {
    add('read-only', noMounts, `${terms.readOnly?.join(', ')} as read-only mounts`);
  }
  for (const name of terms.namespaces ?? []) {
    const why = noMounts ?? 'the kernel refuses it here';
    add(`namespace-${name}`, hasNamespace(site, name) ? undefined : why, 'of its own');
  }
  if (terms.devices !== undefined) {
    add('devices', noMounts, 'no other device files are there, and it can make none');
  }
  const refused = refusedCalls(terms.seccomp);
  if (refused.length > 0) {
    const why = noMounts ?? ('why' in site.seccomp ? site.seccomp.why : undefined);
    add(
      'seccomp',
      why,
      `EPERM for ${terms.seccomp === 'default' ? 'calls that no ordinary program makes' : refused.join(', ')}`,
    );
  }
  if (terms.secrets !== undefined && terms.secrets.length > 0) {
    const filed = terms.secrets.some((use) => use.as === 'file');
    const why = filed && site.secretsDir === undefined ? '/dev/shm is not in memory' : undefined;
    add('secrets', why, 'read by the launcher when it started');
  }
  if (wantsMounts({ terms, volumes: [] })) {
    const seen = hasNamespace(site, 'pid') ? undefined : 'it could look through other processes';
    add('daemon-hidden', noMounts ?? seen, 'it does not see the state folder and its sockets');
  }
  if (volumes.length > 0) add('volumes', noMounts, 'mounted for it alone');
  return found;
}

const hasNamespace = ({ bubblewrap }: IsolationSite, name: Namespace): boolean =>
  'path' in bubblewrap && bubblewrap.namespaces.includes(name);

function noUser({ root }: IsolationSite, { terms, user }: IsolationTask): string | undefined {
  if (!root) return 'only a daemon of root can run tasks as others';
  if (user === undefined) return `there is no user ${terms.user}`;
  return undefined;
}

/** bwrap mounts in the order of its arguments: what comes later covers what came before. */
function wrapOf(site: IsolationSite, task: IsolationTask, holds: ReadonlySet<string>): string[] {
  const { terms } = task;
  const readOnlyRoot = terms.readOnly?.includes('/') === true;
  const names = new Set((terms.namespaces ?? []).filter((n) => holds.has(`namespace-${n}`)));
  // Through /proc/<pid>/root it would see what a process of its user outside sees: bwrap's own is one.
  if (hasNamespace(site, 'pid')) names.add('pid');
  const args = ['--die-with-parent', ...rightsOf(site), ...rootOf(task, readOnlyRoot)];
  args.push(...devicesOf(site, task, readOnlyRoot));
  // What is deeper comes later, so that nothing covers or uncovers what is inside of it.
  const places = placesOf(site, task).sort((a, b) => a.path.length - b.path.length);
  for (const { path, as } of places) args.push(...mounted[as](path));
  for (const folder of task.folders) args.push('--bind', folder, folder);
  if (site.secretsDir !== undefined) args.push(...mounted.hidden(site.secretsDir));
  if (task.secrets !== undefined) args.push('--bind', task.secrets, task.secrets);
  for (const { source, mountPath, readOnly } of task.volumes) {
    args.push(readOnly ? '--ro-bind' : '--bind', source, mountPath);
  }
  for (const hidden of site.hidden) args.push('--remount-ro', hidden);
  if (task.rootEntries !== undefined && readOnlyRoot) args.push('--remount-ro', '/');
  for (const name of names) args.push(...unshare[name]);
  args.push('--chdir', task.cwd);
  return args;
}

const unshare: Record<Namespace, readonly string[]> = {
  user: ['--unshare-user'],
  // There is one whenever bwrap runs.
  mount: [],
  pid: ['--unshare-pid', '--proc', '/proc'],
  network: ['--unshare-net'],
  ipc: ['--unshare-ipc'],
  uts: ['--unshare-uts'],
};

function rightsOf({ root }: IsolationSite): readonly string[] {
  if (!root) return [];
  return ['--cap-drop', 'ALL', ...KEPT_CAPABILITIES.flatMap((name) => ['--cap-add', name])];
}

/** Without device files, where it may not have all of them. */
function rootOf({ terms, rootEntries }: IsolationTask, readOnly: boolean): readonly string[] {
  const bind = readOnly ? '--ro-bind' : terms.devices === undefined ? '--dev-bind' : '--bind';
  if (rootEntries === undefined) return [bind, '/', '/'];
  // A root of its own, so that mounting in it makes no folder on the host.
  return rootEntries.flatMap(({ name, target }) =>
    target === undefined ? [bind, `/${name}`, `/${name}`] : ['--symlink', target, `/${name}`],
  );
}

function devicesOf(
  { gpuDevices }: IsolationSite,
  { terms, gpus, closed }: IsolationTask,
  readOnlyRoot: boolean,
): readonly string[] {
  if (terms.devices === undefined) return readOnlyRoot ? ['--dev-bind', '/dev', '/dev'] : [];
  const allowed = [
    ...terms.devices,
    ...(gpus ? gpuDevices.filter((path) => !closed.includes(path)) : []),
  ];
  return ['--dev', '/dev', ...allowed.flatMap((path) => ['--dev-bind', path, path])];
}

interface Place {
  readonly path: string;
  readonly as: 'read-only' | 'writable' | 'hidden' | 'own';
}

const mounted: Record<Place['as'], (path: string) => readonly string[]> = {
  'read-only': (path) => ['--ro-bind', path, path],
  writable: (path) => ['--bind', path, path],
  hidden: (path) => ['--perms', '0755', '--tmpfs', path],
  own: (path) => ['--perms', '1777', '--tmpfs', path],
};

function placesOf({ hidden }: IsolationSite, { terms }: IsolationTask): Place[] {
  const own = terms.privateTmp === true ? ['/tmp', '/var/tmp'] : [];
  return [
    ...own.map((path) => ({ path, as: 'own' as const })),
    ...hidden.map((path) => ({ path, as: 'hidden' as const })),
    ...(terms.readOnly ?? [])
      .filter((path) => path !== '/')
      .map((path) => ({ path, as: 'read-only' as const })),
    ...(terms.writable ?? []).map((path) => ({ path, as: 'writable' as const })),
  ];
}

/** What it asks to see of the folders that are hidden from it. */
function betrayed(
  { hidden }: IsolationSite,
  { terms, volumes }: IsolationTask,
): string | undefined {
  const asked = [
    ...(terms.readOnly ?? []),
    ...(terms.writable ?? []),
    ...volumes.map(({ mountPath }) => mountPath),
  ];
  return asked.find((path) => hidden.some((own) => path === own || path.startsWith(`${own}/`)));
}
