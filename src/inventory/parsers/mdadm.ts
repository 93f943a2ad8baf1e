/** A kilobyte is usual; a thousand members would fit. */
const PART_MAX = 64 * 1024;

/** `mdadm --detail` (also printed by `--query --detail`): what mdstat does not tell of one array. */
export interface MdDetail {
  readonly device: string;
  readonly level: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly state: readonly string[];
  readonly degraded: boolean | undefined;
  readonly raidDevices: number | undefined;
  readonly activeDevices: number | undefined;
  readonly failedDevices: number | undefined;
  readonly spareDevices: number | undefined;
  readonly chunkBytes: number | undefined;
  readonly uuid: string | undefined;
  readonly members: readonly { readonly device: string | undefined; readonly state: string }[];
}

export function parseMdadmDetail(text: string): readonly MdDetail[] {
  const parts = text.split(/^(?=\/dev\/[\w/-]{1,100}:[ \t]*$)/m).slice(0, 1000);
  return parts.flatMap((part) => {
    const device = /^(\/dev\/[\w/-]{1,100}):[ \t]*\n/.exec(part)?.[1];
    return device === undefined ? [] : [detailOf(device, part.slice(0, PART_MAX))];
  });
}

function detailOf(device: string, part: string): MdDetail {
  const field = (name: string) =>
    new RegExp(`^[ \\t]*${name} : (.{0,200})$`, 'm').exec(part)?.[1]?.trim();
  const figure = (name: string) => {
    const match = /^(\d{1,15})(?:\s|$)/.exec(field(name) ?? '');
    return match === null ? undefined : Number(match[1]);
  };
  const size = figure('Array Size');
  const chunk = /^(\d{1,9})K$/.exec(field('Chunk Size') ?? '');
  const state = (field('State') ?? '').split(',').map((word) => word.trim());
  const members = [
    ...part.matchAll(
      /^[ \t]+(?:\d+|-)[ \t]+\d+[ \t]+\d+[ \t]+(?:\d+|-)[ \t]+(\S[^/\n]{0,80}?)(?:[ \t]+(\/dev\/\S+))?[ \t]*$/gm,
    ),
  ];
  return {
    device,
    level: field('Raid Level'),
    sizeBytes: size === undefined ? undefined : size * 1024,
    state: state.filter((word) => word !== ''),
    degraded: state[0] === '' ? undefined : state.includes('degraded'),
    raidDevices: figure('Raid Devices'),
    activeDevices: figure('Active Devices'),
    failedDevices: figure('Failed Devices'),
    spareDevices: figure('Spare Devices'),
    chunkBytes: chunk === null ? undefined : Number(chunk[1]) * 1024,
    uuid: field('UUID'),
    members: members.map((m) => ({ device: m[2], state: m[1]!.trim() })),
  };
}
