import type { Fact } from '../fact.ts';
import { CPU_FOLDER } from '../online-cpus.ts';
import { defineProbe } from '../probe.ts';
import { numberedNames, parseInteger, sysfsFact } from '../sysfs.ts';

export interface IdleState {
  readonly name: Fact<string>;
  /** How long waking from it takes. */
  readonly latencyMicroseconds: Fact<number>;
  /** How long it must last to be worth entering. */
  readonly residencyMicroseconds: Fact<number>;
  readonly isDisabled: Fact<boolean>;
}

export interface IdleFacts {
  readonly driver: Fact<string>;
  readonly governor: Fact<string>;
  /** Of the first CPU that has any; shallowest first. */
  readonly states: readonly IdleState[];
}

export const cpuidleProbe = defineProbe<'cpuidle', IdleFacts>({
  name: 'cpuidle',
  cost: 'slow',
  read(host) {
    const word = (path: string) => sysfsFact(host, path, (text) => text || undefined);
    const number = (path: string) => sysfsFact(host, path, parseInteger);
    const listing = host.list(CPU_FOLDER);
    const cpu = numberedNames(listing.ok ? listing.value : [], 'cpu').find((n) =>
      host.exists(`${CPU_FOLDER}/cpu${n}/cpuidle`),
    );
    const folder = `${CPU_FOLDER}/cpu${cpu}/cpuidle`;
    const states = cpu === undefined ? undefined : host.list(folder);
    const driver = word(`${CPU_FOLDER}/cpuidle/current_driver`);
    const isDriven = driver.known && driver.value !== 'none';
    if (states === undefined && !isDriven) return { kind: 'absent' };
    const value: IdleFacts = {
      driver,
      governor: word(`${CPU_FOLDER}/cpuidle/current_governor_ro`),
      states: numberedNames(states?.ok ? states.value : [], 'state').map((n) => ({
        name: word(`${folder}/state${n}/name`),
        latencyMicroseconds: number(`${folder}/state${n}/latency`),
        residencyMicroseconds: number(`${folder}/state${n}/residency`),
        isDisabled: sysfsFact(host, `${folder}/state${n}/disable`, (text) =>
          /^\d+$/.test(text) ? text !== '0' : undefined,
        ),
      })),
    };
    return { kind: 'found', value, problems: [] };
  },
});
