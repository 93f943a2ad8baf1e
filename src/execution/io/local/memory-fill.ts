import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A limit of v1 that is none: the largest number of pages. */
const NO_LIMIT = 2 ** 60;

/**
 * How full the fullest cgroup is that all our tasks are in, 0 … 1: in a container its limit is met long before the
 * machine is full. What the kernel could drop at once (inactive files) does not count. Undefined where none has
 * a limit, or nothing can be read.
 * @param parent the folder of ours, in cgroup v2 or of the memory controller of v1.
 */
export function memoryFill(parent: string): number | undefined {
  let most: number | undefined;
  for (let dir = parent; dir !== dirname(dir); dir = dirname(dir)) {
    const v2 = numberIn(`${dir}/memory.current`);
    const used = v2 ?? numberIn(`${dir}/memory.usage_in_bytes`);
    if (used === undefined) break;
    const name = v2 === undefined ? 'memory.limit_in_bytes' : 'memory.max';
    const limit = numberIn(`${dir}/${name}`) ?? NO_LIMIT;
    if (limit >= NO_LIMIT || limit === 0) continue;
    const cached = v2 === undefined ? 'total_inactive_file' : 'inactive_file';
    const fill = Math.max(0, used - (statIn(dir, cached) ?? 0)) / limit;
    if (most === undefined || fill > most) most = fill;
  }
  return most;
}

const statIn = (dir: string, name: string): number | undefined => {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(read(`${dir}/memory.stat`) ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
};

function numberIn(path: string): number | undefined {
  const text = read(path)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
