import type { HostReader } from './host-reader.ts';
import { parseColonLines } from './parsers/key-value.ts';
import { sysfsText } from './sysfs.ts';

/** What uname(2) says, from the files that say the same. */
export interface SystemNames {
  readonly system: string | undefined;
  readonly release: string | undefined;
  readonly version: string | undefined;
  readonly host: string | undefined;
  readonly machine: string | undefined;
}

/**
 * Recorded trees made by hwloc-gather-topology keep uname in /proc/hwloc-nofile-info. On a live host
 * /proc/sys/kernel has it all, the machine name since Linux 6.1.
 */
export function readSystemNames(host: HostReader): SystemNames {
  const noted = parseColonLines(sysfsText(host, '/proc/hwloc-nofile-info') ?? '');
  const kernel = (name: string) => nonEmpty(sysfsText(host, `/proc/sys/kernel/${name}`));
  return {
    system: kernel('ostype') ?? nonEmpty(noted.get('OSName')),
    release: kernel('osrelease') ?? nonEmpty(noted.get('OSRelease')),
    version: kernel('version') ?? nonEmpty(noted.get('OSVersion')),
    host: kernel('hostname') ?? nonEmpty(noted.get('HostName')),
    machine: kernel('arch') ?? nonEmpty(noted.get('Architecture')),
  };
}

const nonEmpty = (text: string | undefined) => (text === '' ? undefined : text);
