import type { InventoryDocument } from './inventory-schema.ts';

/** A difference between two inventories of one host, worth an event. */
export interface InventoryChange {
  readonly kind: 'appeared' | 'vanished' | 'degraded' | 'recovered' | 'changed';
  /** `cpu`, `memory`, `pci`, `gpu`, `disk`… */
  readonly what: string;
  /** Which of them: an address, a serial number, a name. */
  readonly id: string;
  /** The field that changed; empty when the whole thing came or went. */
  readonly field: string;
  readonly before: Scalar;
  readonly after: Scalar;
}

type Scalar = string | number | boolean | null;
type Item = Readonly<Record<string, unknown>>;

/** Which way a field gets worse; `neither` is only a change. */
type Worse = 'lower' | 'higher' | 'true' | 'false' | 'neither';

interface Tracked {
  readonly what: string;
  /** Who tells of them: when one of these failed and there is none, it is not known whether there are any. */
  readonly probes: readonly string[];
  items(document: InventoryDocument): readonly unknown[];
  /** The first that an item has names it, whatever slot it is in. */
  readonly keys: readonly string[];
  /** Another value means another device in the same place. */
  readonly identity?: readonly string[];
  readonly fields: Readonly<Record<string, Worse>>;
}

/**
 * Link speed is not tracked where a link saves power by slowing down (GPUs do when idle); its width is
 * everywhere. Amounts in use and temperatures are samples, not inventory.
 */
const TRACKED: readonly Tracked[] = [
  {
    what: 'cpu',
    probes: ['cpu'],
    items: (d) => (d.cpu?.online ?? []).map((id) => ({ id })),
    keys: ['id'],
    fields: {},
  },
  {
    what: 'numa-node',
    probes: ['numa'],
    items: (d) => d.cpu?.numa_nodes ?? [],
    keys: ['id'],
    fields: { memory_bytes: 'lower' },
  },
  {
    what: 'memory',
    probes: ['memory'],
    items: (d) => (d.memory === null ? [] : [{ ...d.memory, id: 'total' }]),
    keys: ['id'],
    fields: { total_bytes: 'lower', swap_total_bytes: 'neither' },
  },
  {
    what: 'memory-module',
    probes: ['dimm'],
    items: (d) => d.memory?.modules ?? [],
    keys: ['slot', 'serial'],
    identity: ['serial'],
    fields: { size_bytes: 'lower', configured_megatransfers: 'lower' },
  },
  {
    what: 'pci',
    probes: ['pci'],
    items: (d) => listIn(d.devices, 'pci'),
    keys: ['address'],
    identity: ['vendor_id', 'device_id'],
    fields: { 'link.width': 'lower', driver: 'neither' },
  },
  {
    what: 'device',
    probes: ['os-devices'],
    items: (d) => listIn(d.devices, 'os_devices'),
    keys: ['path', 'name'],
    fields: {},
  },
  {
    what: 'gpu',
    probes: ['nvidia', 'amd', 'intel-gpu'],
    items: (d) => d.gpus,
    keys: ['id', 'pci_address'],
    fields: {
      memory_bytes: 'lower',
      mig_enabled: 'neither',
      'details.pcie.lanes': 'lower',
      'details.ecc.enabled': 'false',
      'details.ecc.uncorrected_aggregate': 'higher',
      'details.ecc.remapped_rows': 'higher',
      'details.ecc.remap_failed': 'true',
      'details.ecc.repair_pending': 'true',
    },
  },
  {
    what: 'mig',
    probes: ['nvidia'],
    items: (d) => d.gpus.flatMap((g) => g.mig),
    keys: ['id'],
    fields: { profile: 'neither', memory_bytes: 'neither' },
  },
  {
    what: 'disk',
    probes: ['block-devices'],
    items: (d) => listIn(d.storage, 'block_devices').filter((i) => textAt(i, 'kind') === 'disk'),
    keys: ['serial', 'name'],
    fields: { size_bytes: 'lower', read_only: 'true' },
  },
  {
    what: 'smart',
    probes: ['smart'],
    items: (d) => listIn(d.storage, 'smart'),
    keys: ['serial', 'device'],
    fields: {
      healthy: 'false',
      reallocated: 'higher',
      pending: 'higher',
      uncorrected_errors: 'higher',
    },
  },
  {
    what: 'raid',
    probes: ['raid'],
    items: (d) => listIn(d.storage, 'raid'),
    keys: ['uuid', 'name'],
    fields: { degraded: 'true', failed_devices: 'higher', disks: 'neither' },
  },
  {
    what: 'network',
    probes: ['network'],
    items: (d) => listIn(d.network, 'network'),
    keys: ['name'],
    fields: { speed_bits_per_second: 'lower', carrier: 'false', mtu_bytes: 'neither' },
  },
  {
    what: 'probe',
    probes: [],
    items: (d) => d.probes.map(({ name, outcome }) => ({ name, failed: outcome === 'failed' })),
    keys: ['name'],
    fields: { failed: 'true' },
  },
];

/** What came, went, or got better or worse; in the order of the table above, then by id. */
export function diffInventory(
  before: InventoryDocument,
  after: InventoryDocument,
): readonly InventoryChange[] {
  return TRACKED.flatMap((tracked) => {
    const old = keyed(tracked, before);
    const now = keyed(tracked, after);
    if (isUnknown(tracked, before, old) || isUnknown(tracked, after, now)) return [];
    const ids = [...new Set([...old.keys(), ...now.keys()])].sort();
    return ids.flatMap((id) => compare(tracked, id, old.get(id), now.get(id)));
  });
}

/** The change in a sentence without a full stop. */
export function changeSentence({ kind, what, id, field, before, after }: InventoryChange): string {
  if (field === '') return `${what} ${id} ${kind}`;
  return `${what} ${id} ${kind}: ${field} ${before ?? 'unknown'} → ${after ?? 'unknown'}`;
}

const isUnknown = (tracked: Tracked, document: InventoryDocument, items: Map<string, Item>) =>
  items.size === 0 &&
  document.probes.some((p) => p.outcome === 'failed' && tracked.probes.includes(p.name));

function keyed(tracked: Tracked, document: InventoryDocument): Map<string, Item> {
  const found = new Map<string, Item>();
  for (const item of tracked.items(document)) {
    if (!isItem(item)) continue;
    const key = tracked.keys.map((name) => at(item, name)).find((value) => value !== null);
    if (key !== undefined && !found.has(String(key))) found.set(String(key), item);
  }
  return found;
}

function compare(
  tracked: Tracked,
  id: string,
  old: Item | undefined,
  now: Item | undefined,
): InventoryChange[] {
  const whole = (kind: 'appeared' | 'vanished'): InventoryChange => ({
    kind,
    what: tracked.what,
    id,
    field: '',
    before: null,
    after: null,
  });
  if (old === undefined) return now === undefined ? [] : [whole('appeared')];
  if (now === undefined) return [whole('vanished')];
  const isOther = tracked.identity?.some((field) => {
    const [was, is] = [at(old, field), at(now, field)];
    return was !== null && is !== null && was !== is;
  });
  if (isOther) return [whole('vanished'), whole('appeared')];
  const changes: InventoryChange[] = [];
  for (const [field, worse] of Object.entries(tracked.fields)) {
    const [was, is] = [at(old, field), at(now, field)];
    // What became unknown, or known, says nothing about the device.
    if (was === null || is === null || was === is) continue;
    const kind = direction(worse, was, is);
    changes.push({ kind, what: tracked.what, id, field, before: was, after: is });
  }
  return changes;
}

function direction(worse: Worse, was: Scalar, is: Scalar): InventoryChange['kind'] {
  if (worse === 'neither') return 'changed';
  if (worse === 'true') return is === true ? 'degraded' : 'recovered';
  if (worse === 'false') return is === false ? 'degraded' : 'recovered';
  if (typeof was !== 'number' || typeof is !== 'number') return 'changed';
  return is < was === (worse === 'lower') ? 'degraded' : 'recovered';
}

/** The scalar at a path such as `details.ecc.enabled`; null when there is none. */
function at(item: Item, path: string): Scalar {
  let value: unknown = item;
  for (const name of path.split('.')) value = isItem(value) ? value[name] : undefined;
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    default:
      return null;
  }
}

const textAt = (item: unknown, name: string): Scalar => (isItem(item) ? at(item, name) : null);

function listIn(section: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const value = section[name];
  return Array.isArray(value) ? value : [];
}

const isItem = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
