/** A device file by its numbers: `c 1:3`, `b 254:0`; `*` stands for any. */
export type DeviceId = string;

/** What a task may open of the device files of the host, as it was found there. */
export interface TaskDevices {
  /** Nothing but these and the harmless ones; absent: all but `closed`. */
  readonly allowed?: readonly DeviceId[];
  /** Of the GPUs of others. */
  readonly closed: readonly { readonly path: string; readonly id: DeviceId }[];
  /** GPUs of its own of which no file is known, so that those of others are not known either. */
  readonly unknown: readonly string[];
}

/** null, zero, full, random, urandom, tty, ptmx and what it opens. (Documentation/admin-guide/devices.txt) */
export const harmlessDevices: readonly DeviceId[] = [
  ...['c 1:3', 'c 1:5', 'c 1:7', 'c 1:8', 'c 1:9'],
  ...['c 5:0', 'c 5:2', 'c 136:*'],
];

/** The GPUs that NVIDIA's driver tells of, from its files `/proc/driver/nvidia/gpus/…/information`. */
export function parseGpuInformation(
  text: string,
): { readonly uuid: string; readonly minor: number } | undefined {
  const uuid = /^GPU UUID:\s*(GPU-[0-9a-f-]+)\s*$/im.exec(text)?.[1];
  const minor = /^Device Minor:\s*(\d{1,4})\s*$/im.exec(text)?.[1];
  return uuid === undefined || minor === undefined ? undefined : { uuid, minor: Number(minor) };
}
