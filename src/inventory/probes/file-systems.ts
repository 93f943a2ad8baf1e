import { type Fact, fact, unknown } from '../fact.ts';
import type { FileSystemSize, HostReader, ReadProblem } from '../host-reader.ts';
import { type Mount, parseMountinfo } from '../parsers/mountinfo.ts';
import { defineProbe } from '../probe.ts';

/** One file system, however often it is mounted. */
export interface FileSystem {
  readonly type: string;
  readonly source: string;
  /** `8:1`; anonymous (major 0) for network, memory and some copy-on-write file systems. */
  readonly device: string;
  /** The block device below, by its kernel name; unknown where there is none. */
  readonly block: Fact<string>;
  readonly mountPoints: readonly string[];
  readonly readOnly: boolean;
  /** Its server may be away, so it is not asked for its size: that could wait for ever. */
  readonly remote: boolean;
  readonly totalBytes: Fact<number>;
  readonly freeBytes: Fact<number>;
  /** Free to users without privileges. */
  readonly availableBytes: Fact<number>;
  readonly inodes: Fact<number>;
  readonly inodesFree: Fact<number>;
}

/** Views of the kernel's own state: nothing can be stored in them. */
const pseudoTypes = new Set(
  `autofs binder binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl
  hugetlbfs mqueue nsfs proc pstore resctrl rootfs rpc_pipefs securityfs selinuxfs smackfs sysfs tracefs
  fuse.lxcfs fuse.gvfsd-fuse fuse.portal`.split(/\s+/),
);
const remoteTypes =
  /^(nfs\d?|cifs|smb3?|smbfs|ncpfs|9p|afs|ceph|lustre|glusterfs|gpfs|beegfs|orangefs|ocfs2|gfs2|fuse\.(sshfs|glusterfs|ceph|s3fs|rclone|gcsfuse|juicefs|.*-remote))$/;

export const fileSystemsProbe = defineProbe({
  name: 'file-systems',
  cost: 'slow',
  read(host) {
    const read = firstReadable(host, ['/proc/self/mountinfo', '/proc/1/mountinfo']);
    if (!read.ok) {
      return read.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: read.problem };
    }
    const { mounts, garbled } = parseMountinfo(read.value);
    const problems: ReadProblem[] =
      garbled === 0
        ? []
        : [{ kind: 'failed', detail: `mountinfo: ${garbled} lines are no mounts` }];
    const value = groups(mounts).map((group) => fileSystem(host, group));
    return value.length === 0 ? { kind: 'absent' } : { kind: 'found', value, problems };
  },
});

function firstReadable(host: HostReader, paths: readonly [string, string]) {
  const first = host.text(paths[0]);
  return first.ok ? first : host.text(paths[1]);
}

/**
 * The mounts of each file system, without those that a later mount hides. Btrfs gives each subvolume
 * a device number of its own, so there the source tells what belongs together.
 */
function groups(mounts: readonly Mount[]): readonly (readonly Mount[])[] {
  const top = new Map<string, Mount>();
  for (const mount of mounts) top.set(mount.mountPoint, mount);
  const found = new Map<string, Mount[]>();
  for (const mount of mounts) {
    if (pseudoTypes.has(mount.type) || top.get(mount.mountPoint) !== mount) continue;
    const key = mount.type === 'btrfs' ? `btrfs ${mount.source}` : mount.device;
    const group = found.get(key);
    if (group === undefined) found.set(key, [mount]);
    else group.push(mount);
  }
  return [...found.values()];
}

function fileSystem(host: HostReader, group: readonly Mount[]): FileSystem {
  // The whole file system rather than a folder of it, where both are mounted.
  const main = group.find((mount) => mount.root === '/') ?? group[0]!;
  const remote = remoteTypes.test(main.type);
  return {
    type: main.type,
    source: main.source,
    device: main.device,
    block: blockOf(host, main),
    mountPoints: group.map((mount) => mount.mountPoint),
    readOnly: group.every((m) => m.options.includes('ro') || m.superOptions.includes('ro')),
    remote,
    ...sizes(remote ? undefined : host.statfs(main.mountPoint)),
  };
}

function blockOf(host: HostReader, mount: Mount): Fact<string> {
  const link = host.link(`/sys/dev/block/${mount.device}`);
  const name = link.ok ? link.value.split('/').at(-1) : undefined;
  if (name !== undefined && name !== '') return fact(name, 'kernel');
  const named = /^\/dev\/([a-z][a-z0-9-]{1,40})$/.exec(mount.source)?.[1];
  if (named !== undefined) return fact(named, 'kernel');
  return unknown(mount.device.startsWith('0:') ? 'absent' : 'not-reported');
}

function sizes(read: ReturnType<HostReader['statfs']> | undefined) {
  const from = (pick: (size: FileSystemSize) => number): Fact<number> => {
    if (read === undefined) return unknown('not-reported');
    if (read.ok) return fact(pick(read.value), 'kernel');
    return unknown(read.problem.kind === 'denied' ? 'denied' : 'failed');
  };
  return {
    totalBytes: from((size) => size.totalBytes),
    freeBytes: from((size) => size.freeBytes),
    availableBytes: from((size) => size.availableBytes),
    inodes: from((size) => size.inodes),
    inodesFree: from((size) => size.inodesFree),
  };
}
