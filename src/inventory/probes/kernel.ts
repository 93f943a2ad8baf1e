import { readCgroupLayout } from '../cgroup-files.ts';
import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader } from '../host-reader.ts';
import { readSystemNames } from '../machine-name.ts';
import { parseAssignments } from '../parsers/key-value.ts';
import { defineProbe } from '../probe.ts';
import { factOr, sysfsFact, sysfsText } from '../sysfs.ts';

export interface KernelFacts {
  readonly hostName: Fact<string>;
  readonly kernelName: Fact<string>;
  readonly kernelRelease: Fact<string>;
  readonly kernelVersion: Fact<string>;
  readonly bootId: Fact<string>;
  readonly osId: Fact<string>;
  readonly osVersion: Fact<string>;
  readonly osName: Fact<string>;
  /** `none` is said only where firmware tables or flags rule a hypervisor out. */
  readonly hypervisor: Fact<string>;
  readonly container: Fact<string>;
  /** What pressure stall information there is: of `cpu`, `memory`, `io`, `irq`. */
  readonly pressure: Fact<readonly string[]>;
  readonly vendor: Fact<string>;
  readonly product: Fact<string>;
}

export const kernelProbe = defineProbe<'kernel', KernelFacts>({
  name: 'kernel',
  cost: 'slow',
  read(host) {
    const names = readSystemNames(host);
    const os = parseAssignments(
      sysfsText(host, '/etc/os-release') ?? sysfsText(host, '/usr/lib/os-release') ?? '',
    );
    const text = (path: string) => sysfsFact(host, path, (t) => t || undefined);
    const dmi = dmiFolder(host);
    const vendor = sysfsFact(host, `${dmi}/sys_vendor`, (t) => t || undefined, 'firmware');
    const product = sysfsFact(host, `${dmi}/product_name`, (t) => t || undefined, 'firmware');
    const value: KernelFacts = {
      hostName: factOr(names.host, 'not-reported'),
      kernelName: factOr(names.system, 'not-reported'),
      kernelRelease: factOr(names.release, 'not-reported'),
      kernelVersion: factOr(names.version, 'not-reported'),
      bootId: text('/proc/sys/kernel/random/boot_id'),
      osId: factOr(os.get('ID'), 'not-reported'),
      osVersion: factOr(os.get('VERSION_ID'), 'not-reported'),
      osName: factOr(os.get('PRETTY_NAME'), 'not-reported'),
      hypervisor: hypervisor(host, vendor, product),
      container: container(host),
      pressure: pressure(host),
      vendor,
      product,
    };
    return { kind: 'found', value, problems: [] };
  },
});

function dmiFolder(host: HostReader): string {
  const folder = '/sys/devices/virtual/dmi/id';
  return host.exists(folder) ? folder : '/sys/class/dmi/id';
}

/** Words in the firmware's vendor and product that only one hypervisor writes, as systemd-detect-virt knows them. */
const HYPERVISOR_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^KVM|QEMU|Red Hat.*KVM|OpenStack|Amazon EC2|Google Compute|Alibaba Cloud/i, 'kvm'],
  [/VMware/i, 'vmware'],
  [/VirtualBox|innotek/i, 'virtualbox'],
  [/^Microsoft.*Virtual|Hyper-V/i, 'hyper-v'],
  [/^Xen|HVM domU/i, 'xen'],
  [/Parallels/i, 'parallels'],
  [/BHYVE/i, 'bhyve'],
  [/Firecracker/i, 'firecracker'],
];

function hypervisor(host: HostReader, vendor: Fact<string>, product: Fact<string>): Fact<string> {
  const type = sysfsText(host, '/sys/hypervisor/type');
  if (type !== undefined && /^[a-z0-9-]{1,32}$/.test(type)) return fact(type, 'kernel');
  const words = [vendor, product].map((f) => (f.known ? f.value : '')).join(' ');
  for (const [pattern, name] of HYPERVISOR_WORDS) {
    const bareMetal = product.known && /\.metal/.test(product.value);
    if (!bareMetal && pattern.test(words)) return fact(name, 'firmware');
  }
  const cpuinfo = host.text('/proc/cpuinfo', 24 * 1024 * 1024);
  if (!cpuinfo.ok) return unknown('not-reported');
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo.value)?.[1];
  if (flags === undefined) return unknown('not-reported');
  // The flag says that there is one, not which.
  return fact(/\bhypervisor\b/.test(flags) ? 'unnamed' : 'none', 'kernel');
}

/** By the marks that the container engines leave; `none` where process 1 has none of them and can be seen. */
function container(host: HostReader): Fact<string> {
  if (host.exists('/run/.containerenv')) return fact('podman', 'kernel');
  if (host.exists('/.dockerenv')) return fact('docker', 'kernel');
  const environment = host.text('/proc/1/environ', 65_536);
  const named = environment.ok
    ? /(?:^|\0)container=([\w-]{1,32})/.exec(environment.value)?.[1]
    : undefined;
  if (named !== undefined) return fact(named, 'kernel');
  for (const path of readCgroupLayout(host).paths) {
    if (/kubepods/.test(path)) return fact('kubernetes', 'kernel');
    if (/\/docker[-/]/.test(path)) return fact('docker', 'kernel');
    if (/\/lxc[./]/.test(path)) return fact('lxc', 'kernel');
  }
  return environment.ok ? fact('none', 'kernel') : unknown('not-reported');
}

function pressure(host: HostReader): Fact<readonly string[]> {
  const listing = host.list('/proc/pressure');
  if (!listing.ok) return unknown('absent');
  return fact(
    listing.value.filter((name) => ['cpu', 'io', 'irq', 'memory'].includes(name)),
    'kernel',
  );
}
