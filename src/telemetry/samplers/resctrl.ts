import { type FileSampler, partsOf, reading, stateless, wholeNumberIn } from '../sampler.ts';

const ROOT = '/sys/fs/resctrl';
const DATA = 'mon_data/mon_L3_*';
/** Monitoring groups lie in the root, and in groups of control. */
const PLACES = [ROOT, `${ROOT}/mon_groups/*`, `${ROOT}/*`, `${ROOT}/*/mon_groups/*`];
const FILES = ['llc_occupancy', 'mbm_total_bytes', 'mbm_local_bytes'] as const;

const families: Readonly<Record<(typeof FILES)[number], string>> = {
  llc_occupancy: 'berth_node_cache_occupancy_bytes',
  mbm_total_bytes: 'berth_node_memory_traffic_bytes_total',
  mbm_local_bytes: 'berth_node_memory_local_traffic_bytes_total',
};

/** Where `resctrl` is mounted, which the machine's owner does: who has what of the last-level cache. */
export const resctrlSampler: FileSampler = {
  name: 'resctrl',
  kind: 'aside',
  everyMs: 5_000,
  files: PLACES.flatMap((place) => FILES.map((file) => `${place}/${DATA}/${file}`)),
  families: Object.values(families),
  open: stateless((texts) =>
    partsOf(texts, /^\/sys\/fs\/resctrl\/(.*)mon_data\/mon_L3_(\d+)\/(\w+)$/).flatMap(
      ([[, place = '', cache, file = ''], text]) => {
        const family = families[file as (typeof FILES)[number]];
        const group = place.replace(/\/$/, '').replace(/(^|\/)mon_groups\//, '$1');
        // `Unavailable` and `Error` are no numbers.
        const labels = { cache: String(Number(cache)), group };
        return family === undefined ? [] : reading(family, wholeNumberIn(text), labels);
      },
    ),
  ),
};
