/** Where a cgroup hierarchy is mounted, and which folder in it this process is in. */
export interface CgroupMount {
  readonly mount: string;
  readonly own: string;
}

export interface CgroupMounts {
  readonly v2: CgroupMount | undefined;
  /** By controller: `cpu`, `memory`, `pids`… */
  readonly v1: ReadonlyMap<string, CgroupMount>;
}

/** From the texts of /proc/self/mountinfo and /proc/self/cgroup (proc(5), cgroups(7)). */
export function parseCgroupMounts(mountinfo: string, selfCgroup: string): CgroupMounts {
  const paths = ownPaths(selfCgroup);
  const v1 = new Map<string, CgroupMount>();
  let v2: CgroupMount | undefined;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    if (left === undefined || right === undefined) continue;
    const [, , , root, mount] = left.split(' ').map(unescapeOctal);
    const [type, , options] = right.split(' ');
    if (root === undefined || mount === undefined) continue;
    if (type === 'cgroup2') v2 ??= { mount, own: ownFolder(mount, root, paths.get('') ?? '/') };
    if (type !== 'cgroup') continue;
    for (const controller of (options ?? '').split(',')) {
      const path = paths.get(controller);
      if (path !== undefined && !v1.has(controller)) {
        v1.set(controller, { mount, own: ownFolder(mount, root, path) });
      }
    }
  }
  return { v2, v1 };
}

/** Controller → path; the empty name is cgroup v2. */
function ownPaths(selfCgroup: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of selfCgroup.split('\n')) {
    const found = /^\d+:([^:]*):(.*)$/.exec(line);
    if (found === null) continue;
    for (const controller of found[1]!.split(',')) paths.set(controller, found[2]!);
  }
  return paths;
}

/** A container may see only a part of the hierarchy: `root` is what is mounted. */
function ownFolder(mount: string, root: string, path: string): string {
  if (path.startsWith('/..')) return mount;
  let below = path;
  if (root !== '/') {
    if (path !== root && !path.startsWith(`${root}/`)) return mount;
    below = path.slice(root.length);
  }
  return below === '/' || below === '' ? mount : mount + below;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
