import { hostname, uptime } from 'node:os';
import type { WorkloadDocument } from '../api/contract/documents.ts';
import { traceOf } from '../cli/trace.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import type { DaemonLog } from './daemon-log.ts';
import { OtlpPush } from './otlp-push.ts';
import type { SystemClock } from './system-clock.ts';
import { version } from './version.ts';

interface PushParts {
  readonly site: SiteConfig;
  readonly folder: StateFolder;
  readonly log: DaemonLog;
  readonly clock: SystemClock;
}

/** What pushes to a collector, where the site names one; nothing is sent before `begin`. */
export function openPush(
  { site, folder, log, clock }: PushParts,
  documentOf: (workload: WorkloadId) => WorkloadDocument | undefined,
): OtlpPush | undefined {
  if (site.otlp === undefined) return undefined;
  const now = clock.now();
  return new OtlpPush({
    config: site.otlp,
    origin: {
      version,
      attributes: {
        'service.instance.id': folder.instance,
        'host.name': hostname(),
        'os.type': 'linux',
        ...(site.name !== undefined && { 'berth.site': site.name }),
      },
    },
    beginnings: { machine: now - Math.round(uptime() * 1_000), daemon: now },
    traceOf: (id) => {
      const document = documentOf(id);
      return document && traceOf(document, clock.now());
    },
    now: () => clock.now(),
    log,
  });
}
