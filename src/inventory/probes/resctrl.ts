import type { Fact } from '../fact.ts';
import { parseHex } from '../parsers/pci.ts';
import { defineProbe } from '../probe.ts';
import { parseInteger, sysfsFact } from '../sysfs.ts';

/** A cache whose ways can be given out, or the memory bandwidth, as the kernel's resctrl file system has it. */
export interface ResctrlResource {
  /** `L3`, `L3CODE`, `L2`, `MB`… */
  readonly name: string;
  readonly groupsMax: Fact<number>;
  readonly cacheMask: Fact<number>;
  readonly minCacheBits: Fact<number>;
  readonly minBandwidthPercent: Fact<number>;
  readonly bandwidthStepPercent: Fact<number>;
}

export interface ResctrlFacts {
  readonly resources: readonly ResctrlResource[];
  readonly monitorsMax: Fact<number>;
  readonly monitorFeatures: Fact<readonly string[]>;
}

const INFO = '/sys/fs/resctrl/info';

export const resctrlProbe = defineProbe<'resctrl', ResctrlFacts>({
  name: 'resctrl',
  cost: 'slow',
  read(host) {
    const listing = host.list(INFO);
    if (!listing.ok) {
      return listing.problem.kind === 'denied'
        ? { kind: 'failed', problem: listing.problem }
        : { kind: 'absent' };
    }
    const number = (path: string) => sysfsFact(host, path, parseInteger);
    const names = listing.value.filter((name) => /^(L[23](CODE|DATA)?|MB|SMBA)$/.test(name));
    const value: ResctrlFacts = {
      resources: names.map((name) => ({
        name,
        groupsMax: number(`${INFO}/${name}/num_closids`),
        cacheMask: sysfsFact(host, `${INFO}/${name}/cbm_mask`, parseHex),
        minCacheBits: number(`${INFO}/${name}/min_cbm_bits`),
        minBandwidthPercent: number(`${INFO}/${name}/min_bandwidth`),
        bandwidthStepPercent: number(`${INFO}/${name}/bandwidth_gran`),
      })),
      monitorsMax: number(`${INFO}/L3_MON/num_rmids`),
      monitorFeatures: sysfsFact(host, `${INFO}/L3_MON/mon_features`, (text) =>
        text === '' ? undefined : text.split(/\s+/),
      ),
    };
    return names.length === 0 ? { kind: 'absent' } : { kind: 'found', value, problems: [] };
  },
});
