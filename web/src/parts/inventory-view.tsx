import { useSignal } from '@preact/signals';
import type { NodeList } from '../../../src/api/contract/documents.ts';
import type {
  CpuUse,
  InventoryChanges,
  InventoryDocument,
} from '../../../src/api/contract/inventory-documents.ts';
import { textOf } from '../facts.ts';
import { ago, counted, percent } from '../format.ts';
import { now } from '../server-time.ts';
import { type Item, isItem, listOf } from '../topology-boxes.ts';
import { always, useDocument } from '../use-document.ts';
import type { useLatest } from '../use-latest.ts';
import { FactTable } from './fact-table.tsx';
import { GpuLinks } from './gpu-links.tsx';
import { ProblemNote } from './notes.tsx';
import { TaskPlaces, usePlacements } from './task-places.tsx';
import { TopologyPicture } from './topology-picture.tsx';

const CHANGES_SHOWN = 10;

interface InventoryViewProps {
  readonly gpus: NodeList['nodes'][number]['gpus'];
  readonly latest: ReturnType<typeof useLatest>;
}

/** What the machine of the daemon has, and how it hangs together. */
export function InventoryView({ gpus, latest }: InventoryViewProps) {
  const { value: document, problem } = useDocument<InventoryDocument>('/api/v1/inventory', {
    when: always,
    everyMs: 5_000,
  }).value;
  const changes = useDocument<InventoryChanges>('/api/v1/inventory/changes', {
    when: ({ nodes }) => nodes,
    everyMs: 5_000,
  }).value.value;
  const use = useDocument<CpuUse>('/api/v1/inventory/use', { when: always, everyMs: 2_000 }).value
    .value;
  const { list, left } = usePlacements();
  const chosen = useSignal<string | undefined>(undefined);
  if (document === undefined)
    return problem === undefined ? null : <ProblemNote problem={problem} />;
  return (
    <>
      <Findings document={document} />
      <TaskPlaces list={list} left={left} gpuIds={gpus.map(({ id }) => id)} chosen={chosen} />
      <section class="part" aria-label="Topology">
        <header class="section-head">
          <h2>Topology</h2>
          <Confidence document={document} />
        </header>
        <TopologyPicture
          document={document}
          use={use}
          latest={latest}
          gpus={gpus}
          placements={list}
          marked={list.find(({ attempt }) => attempt === chosen.value)}
        />
      </section>
      <GpuLinks document={document} />
      <Lists document={document} />
      <Changes changes={changes} />
    </>
  );
}

function Confidence({ document }: { readonly document: InventoryDocument }) {
  const { measured, told, estimated, unknown, known_ratio } = document.confidence;
  const all = measured + told + estimated + unknown;
  return (
    <span class="muted">
      {percent(known_ratio)} of {counted(all, 'field')} known: {measured} measured, {told} told,{' '}
      {estimated} estimated, {unknown} unknown
    </span>
  );
}

/** Where sources disagree, and what could not be read. */
function Findings({ document }: { readonly document: InventoryDocument }) {
  const wrong = document.confidence.checks.filter(({ status }) => status === 'disagrees');
  const failed = document.probes.filter(({ outcome }) => outcome === 'failed');
  const problems = document.topology?.problems ?? [];
  if (wrong.length + failed.length + problems.length === 0) return null;
  return (
    <section class="part" aria-label="Findings">
      <ul class="findings">
        {wrong.map(({ name, detail }) => (
          <li key={name}>
            <strong>Sources disagree.</strong> {name}: {readable(detail)}
          </li>
        ))}
        {failed.map(({ name, problems: why }) => (
          <li key={name}>
            <strong>Not read.</strong> {name}: {why[0]?.detail ?? 'no cause was given'}
          </li>
        ))}
        {problems.map((text) => (
          <li key={text}>
            <strong>Left out.</strong> {text}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** `10295136256 bytes` as people read it. */
const readable = (detail: string): string =>
  detail.replace(/(\d{4,15}) bytes/g, (_, n) => textOf('bytes', Number(n)));

function Lists({ document }: { readonly document: InventoryDocument }) {
  const { storage, network, memory, devices } = document;
  const disks = listOf(storage['block_devices']).filter((item) => item['kind'] === 'disk');
  const modules = memory?.modules ?? [];
  const populated = modules.filter((module) => module['size_bytes'] !== 0);
  const slots = `in ${populated.length} of ${counted(modules.length, 'slot')}`;
  const interfaces = listOf(network['network']).filter((item) => item['virtual'] !== true);
  return (
    <>
      <FactTable
        title="Disks"
        rows={disks}
        columns={[
          { head: 'Name', field: 'name' },
          { head: 'Size', field: 'size_bytes', number: true },
          { head: 'Class', field: 'medium' },
          { head: 'Interface', field: 'interface', wide: true },
          { head: 'Scheduler', field: 'scheduler', wide: true },
          { head: 'NUMA', field: 'numa_node', number: true, wide: true },
          { head: 'Model', field: 'model' },
        ]}
      />
      <FactTable
        title="File systems"
        rows={listOf(storage['file_systems']).filter((item) => item['read_only'] !== true)}
        columns={[
          { head: 'Mounted at', field: 'mount_points' },
          { head: 'Size', field: 'total_bytes', number: true },
          { head: 'Available', field: 'available_bytes', number: true },
          { head: 'Type', field: 'type' },
          { head: 'Disk', field: 'block', wide: true },
        ]}
      />
      <FactTable
        title="Networks"
        rows={interfaces}
        columns={[
          { head: 'Name', field: 'name' },
          { head: 'Speed', field: 'speed_bits_per_second', number: true },
          { head: 'State', field: 'state' },
          { head: 'Kind', field: 'kind', wide: true },
          { head: 'MTU', field: 'mtu_bytes', number: true, wide: true, text: mtu },
          { head: 'NUMA', field: 'numa_node', number: true, wide: true },
          { head: 'Addresses', field: 'addresses' },
        ]}
      />
      <FactTable
        title="Memory modules"
        note={slots}
        rows={populated}
        columns={[
          { head: 'Slot', field: 'slot' },
          { head: 'Size', field: 'size_bytes', number: true },
          { head: 'Type', field: 'type' },
          { head: 'Rate', field: 'configured_megatransfers', number: true, text: transfers },
          { head: 'Manufacturer', field: 'manufacturer', wide: true },
          { head: 'Part', field: 'part_number', wide: true },
        ]}
      />
      <FactTable
        title="Sensors"
        rows={sensorsOf(devices)}
        columns={[
          { head: 'Sensor', field: 'label', text: sensorName },
          { head: 'Value', field: 'value', number: true, text: (item) => reading(item, 'value') },
          { head: 'Warns at', field: 'maximum', number: true, text: (i) => reading(i, 'maximum') },
          {
            head: 'Critical',
            field: 'critical',
            number: true,
            text: (item) => reading(item, 'critical'),
          },
          { head: 'Chip', field: 'chip' },
        ]}
      />
    </>
  );
}

/** The kernel counts it in bytes, and people without a unit. */
const mtu = ({ mtu_bytes: n }: Item): string | undefined =>
  typeof n === 'number' ? String(n) : undefined;

const transfers = ({ configured_megatransfers: n }: Item): string | undefined =>
  typeof n === 'number' ? `${n} MT/s` : undefined;

const sensorName = (item: Item): string => String(item['label'] ?? item['channel']);

function sensorsOf(devices: InventoryDocument['devices']): Item[] {
  const { thermal } = devices;
  if (!isItem(thermal)) return [];
  const chips = listOf(thermal['chips']).flatMap((chip) =>
    listOf(chip['sensors']).map((sensor) => ({ ...sensor, chip: chip['name'] ?? chip['id'] })),
  );
  const zones = listOf(thermal['zones']).map((zone) => ({
    ...zone,
    kind: 'temperature',
    label: zone['type'],
    value: zone['milli_celsius'],
    chip: zone['id'],
  }));
  return [...chips, ...zones];
}

/** Sensors give their numbers in thousandths or millionths of the unit of their kind. */
const sensorUnits: Readonly<Record<string, readonly [per: number, unit: string]>> = {
  temperature: [1_000, '°C'],
  fan: [1, '/min'],
  power: [1_000_000, 'W'],
  voltage: [1_000, 'V'],
  current: [1_000, 'A'],
  energy: [1_000_000, 'J'],
};

function reading(item: Item, field: string): string | undefined {
  const n = item[field];
  const [per, unit] = sensorUnits[String(item['kind'])] ?? [1, ''];
  return typeof n === 'number' ? `${Number((n / per).toPrecision(4))} ${unit}` : undefined;
}

function Changes({ changes }: { readonly changes: InventoryChanges | undefined }) {
  if (changes === undefined) return null;
  return (
    <section class="part" aria-label="Changes of the hardware">
      <header class="section-head">
        <h2>Changes of the hardware</h2>
        <span class="muted">read {ago(now.value - changes.read_at)}</span>
      </header>
      {changes.changes.length === 0 ? (
        <p class="quiet muted">None noticed so far.</p>
      ) : (
        <ul class="findings plain">
          {changes.changes.slice(0, CHANGES_SHOWN).map(({ at, kind, sentence }, i) => (
            <li key={i} class={kind === 'degraded' || kind === 'vanished' ? 'worse' : ''}>
              <span class="muted">{ago(now.value - at)}</span> {sentence}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
