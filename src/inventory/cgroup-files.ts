import type { HostReader } from './host-reader.ts';
import { parseMountinfo } from './parsers/mountinfo.ts';
import { parseMounts, type TableMount } from './parsers/mounts.ts';
import { sysfsText } from './sysfs.ts';

/** A controller of the cgroup tree that this process is in. */
export interface CgroupPlace {
  readonly version: 'v1' | 'v2';
  /** The folder of our own cgroup. */
  readonly folder: string;
  /** Our own and those above it up to the mount point, own first: a limit of any of them binds. */
  readonly chain: readonly string[];
  /** `noprefix` mounts and the cpuset file system name the file `cpus`, not `cpuset.cpus`. */
  readonly hasPrefix: boolean;
}

export interface CgroupLayout {
  readonly version: 'v1' | 'v2' | 'hybrid' | 'none';
  /** Where cgroup v2 is mounted, if it is. */
  readonly unified: string | undefined;
  place(controller: string): CgroupPlace | undefined;
  /** The paths in /proc/self/cgroup, for guessing at containers. */
  readonly paths: readonly string[];
}

const TABLE_BYTES_MAX = 4 * 1024 * 1024;
const DEPTH_MAX = 64;

export function readCgroupLayout(host: HostReader): CgroupLayout {
  const mounts = readMounts(host).filter((m) => ['cgroup', 'cgroup2', 'cpuset'].includes(m.type));
  const paths = readCgroupPaths(host);
  const v2 = mounts.find((m) => m.type === 'cgroup2');
  const v1 = mounts.filter((m) => m.type !== 'cgroup2');
  const controllersOfV1 = v1.some((m) => !m.options.some((o) => o.startsWith('name=')));
  return {
    version:
      v2 === undefined ? (v1.length === 0 ? 'none' : 'v1') : controllersOfV1 ? 'hybrid' : 'v2',
    unified: v2?.mountPoint,
    paths: [...paths.values()],
    place(controller) {
      if (v2 !== undefined && hasController(host, v2.mountPoint, controller)) {
        return placeOf(host, v2, paths.get('') ?? cpusetPath(host), 'v2', true);
      }
      const mount = v1.find((m) => m.options.includes(controller) || m.type === controller);
      if (mount === undefined) return undefined;
      const path =
        paths.get(controller) ?? (controller === 'cpuset' ? cpusetPath(host) : undefined);
      const hasPrefix = mount.type === 'cgroup' && !mount.options.includes('noprefix');
      return placeOf(host, mount, path, 'v1', hasPrefix);
    },
  };
}

interface CgroupMount extends TableMount {
  /** The cgroup that is mounted there: not `/` where a container was given a part of the host's tree. */
  readonly root: string;
}

function readMounts(host: HostReader): CgroupMount[] {
  const info = host.text('/proc/self/mountinfo', TABLE_BYTES_MAX);
  const mounts = info.ok ? parseMountinfo(info.value).mounts : [];
  if (mounts.length > 0) {
    return mounts.map((m) => ({ ...m, options: [...m.options, ...m.superOptions] }));
  }
  const table = host.text('/proc/mounts', TABLE_BYTES_MAX);
  return table.ok ? parseMounts(table.value).map((m) => ({ ...m, root: '/' })) : [];
}

/** Path by controller, from `3:cpu,cpuacct:/a/b`; the unified tree has the empty name. */
function readCgroupPaths(host: HostReader): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of (sysfsText(host, '/proc/self/cgroup') ?? '').split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (match === null) continue;
    for (const name of match[1]!.split(',')) found.set(name, match[2]!);
  }
  return found;
}

function cpusetPath(host: HostReader): string | undefined {
  const path = sysfsText(host, '/proc/self/cpuset');
  return path?.startsWith('/') ? path : undefined;
}

function hasController(host: HostReader, mountPoint: string, controller: string): boolean {
  const names = sysfsText(host, `${mountPoint}/cgroup.controllers`);
  if (names !== undefined) return names.split(/\s+/).includes(controller);
  return controller === 'cpuset' && host.exists(`${mountPoint}/cpuset.cpus.effective`);
}

function placeOf(
  host: HostReader,
  mount: CgroupMount,
  path: string | undefined,
  version: 'v1' | 'v2',
  hasPrefix: boolean,
): CgroupPlace | undefined {
  if (path === undefined) return undefined;
  const below =
    mount.root !== '/' && (path === mount.root || path.startsWith(`${mount.root}/`))
      ? path.slice(mount.root.length)
      : path;
  const parts = below.split('/').filter((part) => part !== '' && part !== '..');
  const chain: string[] = [];
  for (let depth = Math.min(parts.length, DEPTH_MAX); depth >= 0; depth--) {
    const folder = [mount.mountPoint, ...parts.slice(0, depth)].join('/');
    // A container without a cgroup namespace sees the host's path, but has its own cgroup as the root.
    if (depth === 0 || host.exists(folder)) chain.push(folder);
  }
  return { version, folder: chain[0]!, chain, hasPrefix };
}
