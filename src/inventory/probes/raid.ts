import { type Fact, fact, unknown } from '../fact.ts';
import type { ReadProblem } from '../host-reader.ts';
import { type MdDetail, parseMdadmDetail } from '../parsers/mdadm.ts';
import { type MdArray, parseMdstat } from '../parsers/mdstat.ts';
import { count, words } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes } from './attributes.ts';

/** A software RAID array: /proc/mdstat, completed from sysfs and from mdadm where it is installed. */
export interface RaidArray {
  readonly name: string;
  readonly level: Fact<string>;
  readonly state: Fact<string>;
  readonly sizeBytes: Fact<number>;
  readonly disks: Fact<number>;
  readonly degraded: Fact<boolean>;
  readonly chunkBytes: Fact<number>;
  readonly uuid: Fact<string>;
  /** What the array is doing beside its work; `idle` when nothing. */
  readonly syncAction: Fact<string>;
  readonly syncProgressBp: Fact<number>;
  readonly members: MdArray['members'];
  readonly failedDevices: Fact<number>;
}

const ARRAYS_MAX = 128;
const MDADM_TIMEOUT_MS = 3000;

export const raidProbe = defineProbe({
  name: 'raid',
  cost: 'slow',
  async read(host) {
    const attributes = new Attributes(host);
    const mdstat = host.text('/proc/mdstat');
    if (!mdstat.ok && mdstat.problem.kind !== 'absent') {
      return { kind: 'failed', problem: mdstat.problem };
    }
    const arrays = mdstat.ok ? parseMdstat(mdstat.value) : [];
    const byName = new Map(arrays.map((array) => [array.name, array]));
    const names = [
      ...byName.keys(),
      ...attributes
        .list('/sys/block')
        .filter((name) => /^md\d/.test(name) && !byName.has(name))
        .filter((name) => attributes.text(`/sys/block/${name}/md/array_state`) !== undefined),
    ].slice(0, ARRAYS_MAX);
    if (names.length === 0) return { kind: 'absent' };
    const problems: ReadProblem[] = [...attributes.problems];
    const devices = names.map((name) => `/dev/${name}`);
    const mdadm = await host.run('mdadm', ['--detail', ...devices], MDADM_TIMEOUT_MS);
    if (!mdadm.ok && mdadm.problem.kind !== 'absent') problems.push(mdadm.problem);
    const details = new Map(
      (mdadm.ok ? parseMdadmDetail(mdadm.value) : []).map((d) => [d.device, d]),
    );
    return {
      kind: 'found',
      value: names.map((name) =>
        raidArray(name, byName.get(name), details.get(`/dev/${name}`), attributes),
      ),
      problems,
    };
  },
});

function raidArray(
  name: string,
  stat: MdArray | undefined,
  detail: MdDetail | undefined,
  attributes: Attributes,
): RaidArray {
  const at = `/sys/block/${name}/md`;
  const first = <T>(own: T | undefined, path: string, parse: (text: string) => T | undefined) =>
    own !== undefined ? fact(own, 'kernel') : attributes.fact(`${at}/${path}`, parse);
  const sync = stat?.sync;
  return {
    name,
    level: first(stat?.level, 'level', words),
    state: first(undefined, 'array_state', words),
    sizeBytes:
      stat?.sizeBytes !== undefined
        ? fact(stat.sizeBytes, 'kernel')
        : attributes.fact(`/sys/block/${name}/size`, sectors),
    // While it is reshaped the file reads `11 (10)`: new and old.
    disks: first(stat?.disksTotal, 'raid_disks', (text) => count(text.replace(/ \(\d+\)$/, ''))),
    degraded: first(stat?.degraded, 'degraded', (text) => {
      const missing = count(text);
      return missing === undefined ? undefined : missing > 0;
    }),
    chunkBytes:
      detail?.chunkBytes !== undefined
        ? fact(detail.chunkBytes, 'kernel')
        : attributes.positiveCount(`${at}/chunk_size`),
    uuid: first(detail?.uuid, 'uuid', words),
    syncAction:
      sync !== undefined ? fact(sync.action, 'kernel') : first(undefined, 'sync_action', words),
    syncProgressBp:
      sync?.progressBp !== undefined ? fact(sync.progressBp, 'kernel') : unknown('not-reported'),
    members: stat?.members ?? sysfsMembers(at, attributes),
    failedDevices:
      detail?.failedDevices !== undefined
        ? fact(detail.failedDevices, 'kernel')
        : unknown('not-reported'),
  };
}

const sectors = (text: string) => {
  const n = count(text);
  return n === undefined || n > 2 ** 44 ? undefined : n * 512;
};

function sysfsMembers(at: string, attributes: Attributes): MdArray['members'] {
  return attributes
    .list(at)
    .filter((entry) => entry.startsWith('dev-'))
    .map((entry) => {
      const state = attributes.text(`${at}/${entry}/state`) ?? '';
      const slot = count(attributes.text(`${at}/${entry}/slot`) ?? '') ?? -1;
      return {
        device: entry.slice(4),
        slot,
        state: state.includes('faulty')
          ? ('faulty' as const)
          : state.includes('spare')
            ? ('spare' as const)
            : ('active' as const),
      };
    });
}
