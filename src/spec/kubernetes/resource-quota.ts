import { z } from 'zod';
import { UNLIMITED } from '../../base/units.ts';
import { shown } from '../quantities.ts';
import { COUNT_MAX } from '../site-fields.ts';
import { type Findings, type FoundQueue, type Sourced, stricter } from './findings.ts';
import type { Manifest } from './manifest.ts';
import { parseQuantity, QUANTITY_FORM } from './quantity.ts';

const specSchema = z.looseObject({
  hard: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
  scopes: z.array(z.unknown()).nullish(),
});

/** What an entry of `hard` counts, in the words of Berth. */
type Meaning =
  | { readonly limits: 'cpu' | 'memory'; readonly of: 'requests' | 'limits' }
  | { readonly limits: 'gpu'; readonly make: string }
  | { readonly limits: 'tasks' | 'workloads' }
  | { readonly limits: 'nothing'; readonly why: string };

const meanings: Readonly<Record<string, Meaning>> = {
  cpu: { limits: 'cpu', of: 'requests' },
  'requests.cpu': { limits: 'cpu', of: 'requests' },
  'limits.cpu': { limits: 'cpu', of: 'limits' },
  memory: { limits: 'memory', of: 'requests' },
  'requests.memory': { limits: 'memory', of: 'requests' },
  'limits.memory': { limits: 'memory', of: 'limits' },
  pods: { limits: 'tasks' },
  'count/pods': { limits: 'tasks' },
  'count/jobs.batch': { limits: 'workloads' },
};

/** Resources of device plugins that are whole GPUs. */
const GPU =
  /^(?:requests\.|limits\.)?(nvidia\.com|amd\.com|gpu\.intel\.com)\/(?:gpu|i915|xe)(?:\.shared)?$/;
const STORAGE =
  /(?:^|\.)storageclass\.storage\.k8s\.io\/|^(?:requests\.storage|persistentvolumeclaims)$/;

function meaningOf(name: string): Meaning {
  if (Object.hasOwn(meanings, name)) return meanings[name]!;
  const make = GPU.exec(name)?.[1];
  if (make !== undefined && !name.endsWith('.shared')) return { limits: 'gpu', make };
  const nothing = (why: string): Meaning => ({ limits: 'nothing', why });
  if (STORAGE.test(name)) return nothing('queues are not limited in storage');
  if (/ephemeral-storage$/.test(name)) return nothing('queues are not limited in scratch space');
  if (name.includes('/mig-') || name.endsWith('.shared')) {
    return nothing('queues are limited in GPUs, not in instances or copies of them');
  }
  if (/hugepages-/.test(name)) return nothing('queues are not limited in huge pages');
  if (name.startsWith('count/') || /^(?:services|secrets|configmaps)\b|^replication/.test(name)) {
    return nothing('Berth has no such objects');
  }
  return nothing('queues are limited in CPU, memory, GPUs, tasks and workloads');
}

/** Entries of `hard` → limits of the queue; a quota of some pods only is none of the queue. */
export function readResourceQuota(manifest: Manifest, queue: FoundQueue, name: string): void {
  const spec = manifest.read(specSchema, ['spec']);
  if (spec === undefined) return;
  manifest.warnOfOthers(['spec'], ['hard', 'scopes', 'scopeSelector'], 'not carried over');
  const hard = Object.entries(spec.hard ?? {});
  if (warnOfScopes(manifest, spec.scopes ?? [])) return;
  if (hard.length === 0) manifest.warn(['spec'], 'the quota limits nothing');
  // What is asked for goes first, so that what is enforced is compared with it.
  hard.sort(([a], [b]) => Number(a.startsWith('limits.')) - Number(b.startsWith('limits.')));
  for (const [resource, written] of hard) {
    readEntry({ manifest, queue, name }, resource, written);
  }
}

function warnOfScopes(manifest: Manifest, scopes: readonly unknown[]): boolean {
  const why = 'a quota of some pods only is not carried over: a queue is limited as a whole';
  const selector = manifest.value(['spec', 'scopeSelector']);
  if (scopes.length > 0) manifest.warn(['spec', 'scopes'], why);
  else if (selector !== undefined && selector !== null) {
    manifest.warn(['spec', 'scopeSelector'], why);
  } else return false;
  return true;
}

interface QuotaReading {
  readonly manifest: Manifest;
  readonly queue: FoundQueue;
  /** Of the quota. */
  readonly name: string;
}

function readEntry(reading: QuotaReading, resource: string, written: string | number): void {
  const { manifest, queue } = reading;
  const path = ['spec', 'hard', resource];
  const meaning = meaningOf(resource);
  if (meaning.limits === 'nothing') {
    manifest.warn(path, `${shown(resource)} is not carried over: ${meaning.why}`);
    return;
  }
  const value = amountOf(manifest, path, written, meaning);
  if (value === undefined) return;
  const found: Sourced<number> = {
    value,
    from: `${manifest.origin(path)} ${resource} of ${reading.name}`,
  };
  if (meaning.limits === 'gpu') {
    queue.gpus.set(meaning.make, stricter(queue.gpus.get(meaning.make), found));
    return;
  }
  const known = queue[meaning.limits];
  if ('of' in meaning && meaning.of === 'limits') {
    const bound =
      known === undefined
        ? `taken for a limit of the ${meaning.limits} that is asked for`
        : `what tasks may use beyond what they ask for is not limited by a queue`;
    manifest.warn(path, `${shown(resource)}: ${bound}`);
  }
  queue[meaning.limits] = stricter(known, found);
}

const units = { cpu: 1000n, memory: 1n, gpu: 1n, tasks: 1n, workloads: 1n } as const;
const largest = {
  // 1,000,000 cores or devices: what site documents take.
  cpu: 1_000_000_000n,
  gpu: 1_000_000n,
  memory: BigInt(UNLIMITED - 1),
  tasks: BigInt(COUNT_MAX),
  workloads: BigInt(COUNT_MAX),
} as const;

function amountOf(
  manifest: Manifest,
  path: readonly string[],
  written: string | number,
  { limits }: Exclude<Meaning, { limits: 'nothing' }>,
): number | undefined {
  const value = parseQuantity(written, units[limits]);
  if (value === undefined) {
    const message = `${shown(String(written))} is no amount in Kubernetes`;
    manifest.error(path, message, { expected: QUANTITY_FORM });
    return undefined;
  }
  if (value > largest[limits]) {
    manifest.warn(path, `${shown(String(written))} is more than Berth counts: no limit`);
    return undefined;
  }
  return Number(value);
}

/** GPUs of several makes are one number in Berth. */
export function gpuLimit(queue: FoundQueue): Sourced<number> | undefined {
  const all = [...queue.gpus.values()];
  if (all.length === 0) return undefined;
  return {
    value: all.reduce((sum, { value }) => sum + value, 0),
    from: all.map(({ from }) => from).join(', '),
  };
}

export function warnOfMakes(manifest: Manifest, findings: Findings, queueName: string): void {
  const makes = findings.queues.get(queueName)?.gpus.size ?? 0;
  if (makes < 2) return;
  manifest.warn(['spec', 'hard'], 'GPUs of several makes are limited by their sum');
}
