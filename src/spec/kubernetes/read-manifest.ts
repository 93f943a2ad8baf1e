import { z } from 'zod';
import { shown } from '../quantities.ts';
import { readFairSharing } from './fair-sharing.ts';
import type { Findings } from './findings.ts';
import type { Manifest } from './manifest.ts';
import { isClassName, queueFor } from './names.ts';
import { readPriorityClass } from './priority-classes.ts';
import { readResourceQuota, warnOfMakes } from './resource-quota.ts';

/** Where an object is that does not say. */
const DEFAULT_NAMESPACE = 'default';

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().nullish() }),
});
type KubernetesObject = z.output<typeof objectSchema>;

const objectKeys = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];
/** What Kubernetes keeps for itself, and writes into every object that it prints. */
const bookkeeping = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'ownerReferences',
  'finalizers',
  'selfLink',
];
/** Labels and annotations that say nothing of their own. */
const OF_TOOLS =
  /^(?:[a-z.]+\.)?(?:kubernetes\.io|k8s\.io|kustomize\.toolkit\.fluxcd\.io|helm\.sh)\//;

interface Reading {
  readonly manifest: Manifest;
  readonly object: KubernetesObject;
  readonly findings: Findings;
}

type Reader = (reading: Reading) => void;

/** Kinds that are carried over, by the group of their API. */
const readers: Readonly<Record<string, Readonly<Record<string, Reader>>>> = {
  '': { Namespace: readNamespace, ResourceQuota: readQuota, ConfigMap: readConfigMap },
  'scheduling.k8s.io': { PriorityClass: readClass },
};

/** Kinds that nothing is made of, met so far: how often, and where first. */
export type OtherKinds = Map<string, { count: number; readonly first: Manifest }>;

/** Adds what one object of Kubernetes says to the findings. */
export function readManifest(manifest: Manifest, findings: Findings, others: OtherKinds): void {
  if (isList(manifest)) {
    for (const item of manifest.items(['items'])) readManifest(item, findings, others);
    return;
  }
  const object = manifest.read(objectSchema, []);
  if (object === undefined) return;
  const { apiVersion, kind } = object;
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  const ofGroup = Object.hasOwn(readers, group) ? readers[group]! : {};
  const reader = Object.hasOwn(ofGroup, kind) ? ofGroup[kind] : undefined;
  if (reader === undefined) {
    const met = others.get(`${apiVersion} ${kind}`);
    if (met === undefined) others.set(`${apiVersion} ${kind}`, { count: 1, first: manifest });
    else met.count++;
    return;
  }
  // Of classes the last counts; see `readPriorityClass`.
  if (reader !== readClass && refuseSecond({ manifest, object, findings })) return;
  warnOfMetadata(manifest);
  reader({ manifest, object, findings });
}

function refuseSecond({ manifest, object, findings }: Reading): boolean {
  const { kind, metadata } = object;
  const identity = `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
  const first = findings.metBefore(identity, manifest.origin(['kind']));
  if (first === undefined) return false;
  const message = `${first} has the ${kind} ${shown(metadata.name)}, too`;
  manifest.error(['metadata', 'name'], message, { expected: 'each object once' });
  return true;
}

/** `kubectl get -o yaml` prints several objects as one list. */
const isList = (manifest: Manifest): boolean =>
  manifest.value(['kind']) === 'List' && Array.isArray(manifest.value(['items']));

export function warnOfOtherKinds(others: OtherKinds): void {
  for (const [name, { count, first }] of others) {
    const kind = name.split(' ')[1]!;
    const more = count === 1 ? '' : ` (${count} of them; this is the first)`;
    first.warn(['kind'], `${shown(kind)} is not carried over${more}`, { at: 'value' });
  }
}

function warnOfMetadata(manifest: Manifest): void {
  manifest.warnOfOthers(['metadata'], bookkeeping, 'not carried over');
  for (const key of ['labels', 'annotations']) {
    const own = manifest.keys(['metadata', key]).filter((name) => !OF_TOOLS.test(name));
    if (own.length === 0) continue;
    const names = own.slice(0, 3).map(shown).join(', ');
    const more = own.length > 3 ? ` and ${own.length - 3} more` : '';
    manifest.warn(['metadata', key], `${names}${more}: not carried over, Berth reads no ${key}`);
  }
}

function readNamespace({ manifest, object, findings }: Reading): void {
  manifest.warnOfOthers([], objectKeys, 'not carried over');
  manifest.warnOfOthers(['spec'], ['finalizers'], 'not carried over');
  const { name } = object.metadata;
  const from = `${manifest.origin(['kind'])} Namespace`;
  queueFor({ manifest, path: ['metadata', 'name'], findings }, name, from);
}

function readQuota({ manifest, object, findings }: Reading): void {
  manifest.warnOfOthers([], objectKeys, 'not carried over');
  const { name, namespace } = object.metadata;
  const where = namespace ?? DEFAULT_NAMESPACE;
  if (namespace == null) {
    manifest.warn(['metadata'], `no namespace is named: taken for one of ${DEFAULT_NAMESPACE}`);
  }
  const path = ['metadata', namespace == null ? 'name' : 'namespace'];
  const from = `${manifest.origin(path)} namespace of ResourceQuota ${name}`;
  const queue = findings.queues.get(where) ?? queueFor({ manifest, path, findings }, where, from);
  if (queue === undefined) return;
  readResourceQuota(manifest, queue, name);
  warnOfMakes(manifest, findings, where);
}

function readClass({ manifest, object, findings }: Reading): void {
  const { name } = object.metadata;
  if (isClassName(name)) readPriorityClass(manifest, name, findings);
  else {
    const why = `${shown(name)} is not carried over: no class can have this name`;
    manifest.warn(['metadata', 'name'], why, { at: 'value' });
  }
}

function readConfigMap({ manifest, findings }: Reading): void {
  if (readFairSharing(manifest, findings)) {
    const known = ['apiVersion', 'kind', 'metadata', 'data', 'immutable'];
    manifest.warnOfOthers([], known, 'not carried over');
    return;
  }
  const why = 'a ConfigMap without `fairSharing` is not carried over';
  manifest.warn(['kind'], why, { at: 'value' });
}
