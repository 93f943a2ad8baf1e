import { readdirSync, type Stats, statSync } from 'node:fs';
import type { AttemptStart } from '../../../runtime/ports.ts';
import { type DeviceId, parseGpuInformation, type TaskDevices } from '../../device-rules.ts';
import { read } from './cgroup-files.ts';

const INFORMATION = '/proc/driver/nvidia/gpus';

/** Undefined where it says nothing of devices, and has no GPU beside those of others. @param root of the host. */
export function taskDevices(
  placement: AttemptStart['placement'],
  execution: AttemptStart['execution'] | undefined,
  root: string,
): TaskDevices | undefined {
  const listed = execution?.isolation?.devices;
  const { gpus } = placement;
  if (listed === undefined && gpus.length === 0) return undefined;
  const known = gpuFiles(root);
  const own = known.filter(({ uuid }) => gpus.includes(uuid));
  const others = known.filter(({ uuid }) => !gpus.includes(uuid));
  const unknown = gpus.filter((id) => !own.some(({ uuid }) => uuid === id));
  if (listed === undefined && (known.length === 0 || (others.length === 0 && unknown.length === 0)))
    return undefined;
  // Who has what cannot be told apart is left with all.
  const closed = unknown.length > 0 ? [] : others.flatMap(({ path }) => fileOf(path));
  if (listed === undefined) return { closed, unknown };
  const shared = gpus.length === 0 ? [] : sharedFiles(root);
  const ownFiles = unknown.length > 0 ? known : own;
  const paths = [...listed, ...shared, ...ownFiles.map(({ path }) => path)];
  return { allowed: paths.flatMap((path) => fileOf(path).map(({ id }) => id)), closed, unknown };
}

function gpuFiles(root: string): readonly { readonly uuid: string; readonly path: string }[] {
  return entries(`${root}${INFORMATION}`).flatMap((name) => {
    const found = parseGpuInformation(read(`${root}${INFORMATION}/${name}/information`) ?? '');
    return found ? [{ uuid: found.uuid, path: `${root}/dev/nvidia${found.minor}` }] : [];
  });
}

/** Of all GPUs together: those of NVIDIA's driver that have no number, and all of AMD's. */
function sharedFiles(root: string): readonly string[] {
  const single = entries(`${root}/dev`).filter((name) => /^nvidia\D|^kfd$/.test(name));
  const below = ['nvidia-caps', 'dri'].flatMap((folder) =>
    entries(`${root}/dev/${folder}`).map((name) => `${folder}/${name}`),
  );
  return [...single, ...below].map((name) => `${root}/dev/${name}`);
}

/** With its numbers; nothing where it is no device file. */
function fileOf(path: string): readonly { readonly path: string; readonly id: DeviceId }[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !(found.isCharacterDevice() || found.isBlockDevice())) return [];
  return [{ path, id: `${found.isBlockDevice() ? 'b' : 'c'} ${numbersOf(found)}` }];
}

/** As glibc takes them apart. (sys/sysmacros.h) */
function numbersOf({ rdev }: Stats): string {
  const high = Math.floor(rdev / 2 ** 32);
  const major = ((rdev >>> 8) & 0xfff) | (high & ~0xfff);
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
