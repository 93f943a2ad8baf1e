import { z } from 'zod';

const sourceName = z.enum(['measured', 'kernel', 'driver', 'firmware', 'datasheet', 'estimated']);
const reason = z.enum(['absent', 'not-reported', 'denied', 'failed', 'garbled']);

/** Beside the fields of an object: where most are from, those that differ, and why the rest is null. */
const provenance = {
  source: sourceName.optional().describe('Where the fields of this object are from'),
  sources: z
    .record(z.string(), sourceName)
    .optional()
    .describe('The fields that are from elsewhere'),
  unknown: z.record(z.string(), reason).optional().describe('Why a field is null'),
};

const bytes = z.int().nonnegative();
const ids = z.array(z.int().nonnegative());
const idList = z.string().describe('Ids as the kernel lists them: 0-3,8');
const limit = z.union([z.int().nonnegative(), z.literal('unlimited')]).nullable();

/** What a probe found, field by field as it names them; new fields may come with any version. */
const open = z.record(z.string(), z.unknown());

const numaNode = z.object({
  id: z.int().nonnegative(),
  cpus: ids.describe('CPUs of the node that we may use; empty for memory only'),
  memory_bytes: bytes.nullable(),
  free_bytes: bytes.nullable(),
  kind: z.enum(['cpu', 'memory', 'gpu']),
  nearest_cpus: ids,
  distances: z
    .array(z.int().nonnegative())
    .nullable()
    .describe('To each node of this list; 10 is local'),
  ...provenance,
});

const cache = z.object({
  level: z.int().min(1),
  kind: z.enum(['data', 'instruction', 'unified']),
  size_bytes: bytes.nullable(),
  line_bytes: bytes.nullable(),
  ways: z.int().nullable(),
  shared_by: ids.describe('CPUs that share it, of those that we may use'),
  ...provenance,
});

const cpuKind = z.object({
  name: z.string(),
  cpus: ids,
  capacity: z.int().nullable(),
  max_hertz: z.int().nullable(),
  base_hertz: z.int().nullable(),
  ...provenance,
});

const cpu = z.object({
  packages: z.int(),
  cores: z.int(),
  threads: z.int().describe('Online and in our cpuset'),
  architecture: z.string().nullable(),
  vendor: z.string().nullable(),
  model: z.string().nullable(),
  isa_level: z.string().nullable(),
  instruction_sets: z.array(z.string()).nullable(),
  flags: z.array(z.string()).nullable(),
  smt_active: z.boolean().nullable(),
  smt_control: z.string().nullable(),
  thermal_design_watts: z.number().nullable(),
  online: ids,
  offline: ids.nullable(),
  isolated: ids.nullable(),
  kinds: z.array(cpuKind).describe('Kinds of core, slowest first; one on a uniform machine'),
  numa_nodes: z.array(numaNode),
  caches: z.array(cache).describe('One entry for each cache, not for each kind of cache'),
  ...provenance,
});

const memory = z.object({
  total_bytes: bytes.nullable(),
  available_bytes: bytes.nullable(),
  free_bytes: bytes.nullable(),
  swap_total_bytes: bytes.nullable(),
  swap_free_bytes: bytes.nullable(),
  huge_total_bytes: bytes.nullable(),
  huge_pages: open.nullable(),
  modules: z.array(open).nullable().describe('DIMMs, as the firmware lists them'),
  ...provenance,
});

const mig = z.object({
  id: z.string().nullable(),
  profile: z.string().nullable(),
  memory_bytes: bytes.nullable(),
  gpu_instance: z.int().nullable(),
  compute_instance: z.int().nullable(),
  placement: z.object({ start: z.int(), size: z.int() }).nullable(),
});

const gpu = z.object({
  id: z.string().nullable(),
  vendor: z.enum(['nvidia', 'amd', 'intel']),
  model: z.string().nullable(),
  memory_bytes: bytes.nullable(),
  pci_address: z.string().nullable(),
  numa_node: z.int().nullable(),
  compute_capability: z.string().nullable(),
  mig_enabled: z.boolean().nullable(),
  mig: z.array(mig),
  details: open.describe('All that the driver tells, and the datasheet'),
  ...provenance,
});

export interface TopologyDocument {
  kind: string;
  id: string;
  number: number | null;
  cpu_list: string;
  label: string;
  children: TopologyDocument[];
}

const vertex: z.ZodType<TopologyDocument> = z.object({
  kind: z.enum([
    'machine',
    'drawer',
    'book',
    'package',
    'die',
    'group',
    'cluster',
    'cache',
    'core',
    'thread',
    'memory',
    'host-bridge',
    'bridge',
    'pci',
    'os-device',
  ]),
  id: z.string().describe('Unique, and the same after every start'),
  number: z.int().nullable(),
  cpu_list: idList,
  label: z.string(),
  get children() {
    return z.array(vertex);
  },
});

const topology = z.object({
  root: vertex,
  numa_distances: z.array(z.array(z.int())).nullable(),
  gpu_links: z.array(
    z.object({
      between: z.tuple([z.string(), z.string()]),
      kind: z.enum(['NV', 'PIX', 'PXB', 'PHB', 'NODE', 'SYS']),
      lanes: z.int(),
    }),
  ),
  problems: z.array(z.string()),
});

const check = z.object({
  name: z.string(),
  status: z.enum(['agrees', 'disagrees', 'not-checked']),
  detail: z.string(),
});

const confidence = z.object({
  measured: z.int(),
  told: z.int(),
  estimated: z.int(),
  unknown: z.int(),
  absent: z.int(),
  known_ratio: z.number().min(0).max(1).describe('Known fields of all but the absent'),
  failed_probes: z.array(z.string()),
  checks: z.array(check),
});

const probe = z.object({
  name: z.string(),
  outcome: z.enum(['found', 'absent', 'failed']),
  problems: z.array(z.object({ kind: z.string(), detail: z.string() })),
});

/** What `berth inventory --json` and the API answer. */
export const inventorySchema = z.object({
  host: open.describe('Names, operating system, kernel, hypervisor, container'),
  limits: z.object({
    cpus: ids.nullable(),
    cpu_milli: z.int().nullable(),
    cpu_bound_by: z.enum(['host', 'cpuset', 'affinity', 'quota']),
    memory_bytes: bytes.nullable(),
    memory_bound_by: z.enum(['host', 'memory-nodes', 'cgroup']),
    cgroup_version: z.enum(['v1', 'v2', 'hybrid', 'none']).nullable(),
    processes: limit,
    open_files: limit,
  }),
  cpu: cpu.nullable(),
  memory: memory.nullable(),
  storage: open,
  network: open,
  gpus: z.array(gpu),
  devices: open.describe('What the other probes found: power, thermal, accelerators…'),
  topology: topology.nullable(),
  pools: z.array(open),
  confidence,
  probes: z.array(probe),
  baseline: open
    .optional()
    .describe('With --benchmark: what was measured, as `berth inventory baseline --json`'),
});

export type InventoryDocument = z.infer<typeof inventorySchema>;

/** The same as JSON Schema (draft 2020-12), for whoever reads the document with another language. */
export const inventoryJsonSchema = (): unknown => z.toJSONSchema(inventorySchema);
