import { plainWord } from '../fields.ts';
import type { Path } from '../issue.ts';
import { shown } from '../quantities.ts';
import { queueName, tenantName } from '../site-fields.ts';
import type { Findings, FoundQueue } from './findings.ts';
import type { Manifest } from './manifest.ts';

/** Of the tree of queues itself. */
const RESERVED = 'root';

interface NamedAt {
  readonly manifest: Manifest;
  readonly path: Path;
  readonly findings: Findings;
}

/** The queue of a name in Kubernetes; told where it cannot have that name. */
export function queueFor(
  { manifest, path, findings }: NamedAt,
  name: string,
  from: string,
): FoundQueue | undefined {
  if (isQueueName(name)) return findings.queue(name, from);
  manifest.warn(path, `${shown(name)} is not carried over: no queue can have this name`);
  return undefined;
}

export const isQueueName = (name: string): boolean =>
  name !== RESERVED && queueName.safeParse(name).success;

/** Classes of service have these names, and documents say `class` of both kinds. */
const OF_SERVICE = ['guaranteed', 'burstable', 'best-effort'];

export const isClassName = (name: string): boolean =>
  queueName.safeParse(name).success && !OF_SERVICE.includes(plainWord(name));

export function userNamed(manifest: Manifest, path: Path, name: string): boolean {
  if (tenantName.safeParse(name).success) return true;
  manifest.warn(path, `${shown(name)} is not carried over: no user can have this name`);
  return false;
}
