import { decimal } from './scalars.ts';

/** `GPU-…` or `MIG-…`, complete: a cut one must not pass for a name. */
export function gpuUuid(text: string): string | undefined {
  return /^(GPU|MIG)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.exec(text.trim())?.[0];
}

/** `nvidia-smi -L`: names and UUIDs of GPUs and MIG devices. Lines that it does not know are skipped. */
export interface NvidiaListing {
  readonly gpu: number;
  readonly model: string;
  readonly uuid: string;
  readonly mig: readonly {
    readonly index: number;
    readonly profile: string;
    readonly uuid: string;
  }[];
}

export function parseNvidiaListing(text: string): readonly NvidiaListing[] {
  const found: (NvidiaListing & {
    readonly mig: { index: number; profile: string; uuid: string }[];
  })[] = [];
  for (const line of text.split('\n', 10_000)) {
    const gpu = /^GPU\s+(\d{1,4}): (.{1,200}) \(UUID: ([^)]{1,80})\)/.exec(line);
    const gpuId = gpu === null ? undefined : gpuUuid(gpu[3]!);
    if (gpu !== null && gpuId !== undefined) {
      found.push({ gpu: Number(gpu[1]), model: gpu[2]!.trim(), uuid: gpuId, mig: [] });
      continue;
    }
    const mig = /^\s+MIG (\S{1,30})\s+Device\s+(\d{1,3}): \(UUID: ([^)]{1,80})\)/.exec(line);
    const uuid = mig === null ? undefined : migUuid(mig[3]!);
    if (mig !== null && uuid !== undefined) {
      found.at(-1)?.mig.push({ profile: mig[1]!, index: Number(mig[2]), uuid });
    }
  }
  return found;
}

/** Before driver 470 a MIG device was named `MIG-GPU-<uuid>/<gi>/<ci>`. */
function migUuid(text: string): string | undefined {
  return gpuUuid(text) ?? /^MIG-GPU-[0-9a-f-]{36}\/\d{1,3}\/\d{1,3}$/i.exec(text)?.[0];
}

/** `nvidia-smi nvlink -s`: GB/s of each link by GPU; a link that is down has no rate. */
export function parseNvlinkStatus(
  text: string,
): readonly { readonly gpu: number; readonly links: readonly (number | undefined)[] }[] {
  const found: { gpu: number; links: (number | undefined)[] }[] = [];
  for (const line of text.split('\n', 10_000)) {
    const gpu = /^GPU\s+(\d{1,4}):/.exec(line);
    if (gpu !== null) found.push({ gpu: Number(gpu[1]), links: [] });
    const link = /^\s+Link\s+(\d{1,2}): (?:([\d.]{1,10}) GB\/s|.{1,40})\s*$/.exec(line);
    const current = found.at(-1);
    if (link === null || current === undefined) continue;
    while (current.links.length < Number(link[1])) current.links.push(undefined);
    current.links[Number(link[1])] = link[2] === undefined ? undefined : decimal(link[2]);
  }
  return found;
}
