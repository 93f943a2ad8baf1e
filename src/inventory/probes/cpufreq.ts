import { type IdSet, setOf, single } from '../cpu-set.ts';
import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader } from '../host-reader.ts';
import { CPU_FOLDER } from '../online-cpus.ts';
import { defineProbe } from '../probe.ts';
import { numberedNames, parseInteger, sysfsFact, sysfsText } from '../sysfs.ts';

/** CPUs whose frequency is set together. */
export interface FrequencyPolicy {
  readonly cpus: IdSet;
  readonly driver: Fact<string>;
  readonly governor: Fact<string>;
  readonly governors: Fact<readonly string[]>;
  /** What the hardware can. */
  readonly minHertz: Fact<number>;
  readonly maxHertz: Fact<number>;
  readonly baseHertz: Fact<number>;
  /** What the policy lets it. */
  readonly scalingMinHertz: Fact<number>;
  readonly scalingMaxHertz: Fact<number>;
  /** The last that the kernel asked for or saw. */
  readonly currentHertz: Fact<number>;
  readonly energyPreference: Fact<string>;
}

export interface FrequencyFacts {
  readonly policies: readonly FrequencyPolicy[];
  readonly boost: Fact<boolean>;
}

export const cpufreqProbe = defineProbe<'cpufreq', FrequencyFacts>({
  name: 'cpufreq',
  cost: 'slow',
  read(host) {
    const policies = policyFolders(host).map((folder) => readPolicy(host, folder));
    if (policies.length === 0) return { kind: 'absent' };
    return { kind: 'found', value: { policies, boost: boost(host) }, problems: [] };
  },
});

/** `cpufreq/policyN` since Linux 4.3; before that a folder per CPU, of which the first of each policy counts. */
function policyFolders(host: HostReader): string[] {
  const listing = host.list(`${CPU_FOLDER}/cpufreq`);
  const policies = numberedNames(listing.ok ? listing.value : [], 'policy');
  if (policies.length > 0) return policies.map((n) => `${CPU_FOLDER}/cpufreq/policy${n}`);
  const cpus = host.list(CPU_FOLDER);
  const folders: string[] = [];
  let seen = 0n;
  for (const cpu of numberedNames(cpus.ok ? cpus.value : [], 'cpu')) {
    const folder = `${CPU_FOLDER}/cpu${cpu}/cpufreq`;
    if ((seen & single(cpu)) !== 0n || !host.exists(`${folder}/cpuinfo_max_freq`)) continue;
    seen |= affected(host, folder) | single(cpu);
    folders.push(folder);
  }
  return folders;
}

function affected(host: HostReader, folder: string): IdSet {
  const text = sysfsText(host, `${folder}/affected_cpus`) ?? '';
  const ids = text.split(/\s+/).map(parseInteger);
  return setOf(ids.filter((id) => id !== undefined && id >= 0 && id <= 65_535).map(Number));
}

function readPolicy(host: HostReader, folder: string): FrequencyPolicy {
  const hertz = (file: string) =>
    sysfsFact(host, `${folder}/${file}`, (text) => {
      const kilohertz = parseInteger(text);
      return kilohertz === undefined || kilohertz <= 0 ? undefined : kilohertz * 1000;
    });
  const word = (file: string) =>
    sysfsFact(host, `${folder}/${file}`, (text) => (/^[\w-]{1,64}$/.test(text) ? text : undefined));
  const cpus = affected(host, folder);
  const own = /\/cpu(\d+)\/cpufreq$/.exec(folder)?.[1];
  return {
    cpus: cpus === 0n && own !== undefined ? single(Number(own)) : cpus,
    driver: word('scaling_driver'),
    governor: word('scaling_governor'),
    governors: sysfsFact(host, `${folder}/scaling_available_governors`, (text) =>
      text === '' ? undefined : text.split(/\s+/),
    ),
    minHertz: hertz('cpuinfo_min_freq'),
    maxHertz: hertz('cpuinfo_max_freq'),
    baseHertz: hertz('base_frequency'),
    scalingMinHertz: hertz('scaling_min_freq'),
    scalingMaxHertz: hertz('scaling_max_freq'),
    currentHertz: hertz('scaling_cur_freq'),
    energyPreference: word('energy_performance_preference'),
  };
}

function boost(host: HostReader): Fact<boolean> {
  const flag = (text: string) => (text === '0' ? false : text === '1' ? true : undefined);
  const direct = sysfsFact(host, `${CPU_FOLDER}/cpufreq/boost`, flag);
  if (direct.known) return direct;
  const noTurbo = sysfsFact(host, `${CPU_FOLDER}/intel_pstate/no_turbo`, flag);
  return noTurbo.known ? fact(!noTurbo.value, 'kernel') : unknown(direct.reason);
}
