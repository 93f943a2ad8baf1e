import { useRef, useState } from 'preact/hooks';
import type { NodeList } from '../../../src/api/contract/documents.ts';
import type { CpuUse, InventoryDocument } from '../../../src/api/contract/inventory-documents.ts';
import { textOf } from '../facts.ts';
import { bytes, counted, listed, percent, UNKNOWN } from '../format.ts';
import { holdersOf, type Placement } from '../placements.ts';
import {
  type Box,
  boxesOf,
  type Cell,
  type Device,
  isItem,
  type Vertex,
} from '../topology-boxes.ts';
import type { useLatest } from '../use-latest.ts';
import { PartFacts } from './part-facts.tsx';

type HeldGpus = NodeList['nodes'][number]['gpus'];

/** What the picture is filled with, beside the inventory itself. */
interface Filling {
  readonly document: InventoryDocument;
  readonly busy: ReadonlyMap<number, number>;
  /** Milli-GPU that work holds, by the id of the GPU or MIG instance. */
  readonly held: ReadonlyMap<string, number>;
  /** Share of the time in which a GPU is at work, by its id. */
  readonly gpuBusy: ReadonlyMap<string, number>;
  /** Attempts that are kept to a logical CPU. */
  readonly holders: ReadonlyMap<number, readonly string[]>;
  /** The task whose cells stand out. */
  readonly marked: Placement | undefined;
  readonly chosen: string;
}

interface PictureProps {
  readonly document: InventoryDocument;
  readonly use: CpuUse | undefined;
  readonly latest: ReturnType<typeof useLatest>;
  readonly gpus: HeldGpus;
  readonly placements: readonly Placement[];
  readonly marked: Placement | undefined;
}

/**
 * The machine as nested boxes. One stop of the Tab key; arrows move over its parts, and the part that
 * is chosen shows its facts.
 */
export function TopologyPicture({ document, use, latest, gpus, placements, marked }: PictureProps) {
  const box = boxesOf(document);
  const [chosen, choose] = useState(box?.id ?? '');
  const picture = useRef<HTMLDivElement | null>(null);
  if (box === undefined) return <p class="quiet muted">The processors could not be read.</p>;
  const filling: Filling = {
    document,
    busy: busyOf(latest, use),
    held: new Map(gpus.map(({ id, held_milli }) => [id, held_milli])),
    gpuBusy: new Map(
      latest.get('berth_gpu_busy_ratio')?.map(({ labels, value }) => [labels['gpu'] ?? '', value]),
    ),
    holders: holdersOf(placements),
    marked,
    chosen,
  };
  const pick = (target: EventTarget | null): void => {
    const part = target instanceof Element ? target.closest<HTMLElement>('[data-part]') : null;
    if (part !== null) choose(part.dataset['part'] ?? '');
  };
  const move = (event: KeyboardEvent): void => {
    const parts = [...(picture.current?.querySelectorAll<HTMLElement>('[data-part]') ?? [])];
    const at = parts.findIndex((part) => part.dataset['part'] === chosen);
    const to = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: parts.length - 1,
    }[event.key];
    const next = to === undefined ? undefined : parts[to];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
    pick(next);
  };
  return (
    <div class="topology">
      <div class="topo-side">
        <Legend
          isMeasured={filling.busy.size > 0}
          isHybrid={(document.cpu?.kinds.length ?? 0) > 1}
        />
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset has a border and a legend of its own */}
        <div
          ref={picture}
          role="group"
          aria-label="Topology of the machine; arrow keys move over its parts"
          onClick={(event) => pick(event.target)}
          onKeyDown={move}
        >
          <BoxPart box={box} filling={filling} depth={0} />
        </div>
        <details class="as-text">
          <summary>The same as text</summary>
          <ul>
            <BoxText box={box} document={document} />
          </ul>
        </details>
      </div>
      <PartFacts box={box} document={document} chosen={chosen} use={use} />
    </div>
  );
}

/** By logical CPU: as it is sampled, or as the inventory reads it where nothing samples. */
function busyOf(
  latest: PictureProps['latest'],
  use: CpuUse | undefined,
): ReadonlyMap<number, number> {
  const sampled = latest.get('berth_node_cpu_core_busy_ratio');
  if (sampled !== undefined) {
    return new Map(sampled.map(({ labels, value }) => [Number(labels['cpu']), value]));
  }
  return new Map(use?.cpus.map(({ id, busy_ratio }) => [id, busy_ratio]));
}

function Legend({
  isMeasured,
  isHybrid,
}: {
  readonly isMeasured: boolean;
  readonly isHybrid: boolean;
}) {
  return (
    <p class="topo-legend muted">
      <span>
        <i class="key cpu fill-half" /> CPU busy
        {isMeasured ? '' : ` ${UNKNOWN}`}
      </span>
      <span>
        <i class="key cpu hatched" /> kept for a task
      </span>
      <span>
        <i class="key memory fill-half" /> memory in use
      </span>
      <span>
        <i class="key gpu hatched" /> GPU held by work
      </span>
      {isHybrid && <span>smaller cells: the slower kind of core</span>}
    </p>
  );
}

interface PartProps {
  readonly id: string;
  readonly filling: Filling;
  readonly class: string;
  readonly label: string;
  readonly children?: preact.ComponentChildren;
}

/** A thing that can be chosen. */
function Part({ id, filling, class: classes, label, children }: PartProps) {
  const isChosen = filling.chosen === id;
  return (
    <button
      type="button"
      class={`topo-part ${classes}`}
      data-part={id}
      tabIndex={isChosen ? 0 : -1}
      aria-pressed={isChosen}
      aria-label={label}
      title={label}
    >
      {children}
    </button>
  );
}

interface BoxProps {
  readonly box: Box;
  readonly filling: Filling;
  readonly depth: number;
}

function BoxPart({ box, filling, depth }: BoxProps) {
  const kind = box.parts.some((v) => v.kind === 'package') ? 'package' : (box.parts[0]?.kind ?? '');
  return (
    <div class={`topo-box topo-${kind} depth-${Math.min(depth, 4)}`}>
      <Part
        id={box.id}
        filling={filling}
        class="topo-title"
        label={`${box.title} ${box.cpus}, its CPUs`}
      >
        <span>{box.title}</span> <span class="muted">{box.cpus}</span>
      </Part>
      {box.memories.map((memory) => (
        <MemoryPart key={memory.id} memory={memory} filling={filling} />
      ))}
      {box.cells.length > 0 && (
        <div class="topo-cells">
          {box.cells.map((cell) => (
            <CellPart key={cell.id} cell={cell} filling={filling} />
          ))}
        </div>
      )}
      {box.boxes.length > 0 && (
        <div class={`topo-boxes ${sizeClass(box)}`}>
          {box.boxes.map((inner) => (
            <BoxPart key={inner.id} box={inner} filling={filling} depth={depth + 1} />
          ))}
        </div>
      )}
      {box.devices.length > 0 && (
        <div class="topo-devices">
          {box.devices.map((device) => (
            <DevicePart key={device.id} device={device} filling={filling} />
          ))}
        </div>
      )}
    </div>
  );
}

/** Boxes of a handful of cores lie side by side. */
function sizeClass(box: Box): string {
  if (box.boxes.some(({ boxes, devices }) => boxes.length + devices.length > 0)) return '';
  const most = Math.max(...box.boxes.map(({ cells }) => cells.length));
  return most <= 2 ? 'small tiny' : most <= 4 ? 'small' : '';
}

function CellPart({ cell, filling }: { readonly cell: Cell; readonly filling: Filling }) {
  const shares = cell.threads.map((id) => filling.busy.get(id));
  const known = shares.filter((share) => share !== undefined);
  const kind = slowness(filling.document, cell);
  const busy = known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length;
  const holders = [...new Set(cell.threads.flatMap((id) => filling.holders.get(id) ?? []))];
  const isMarked = filling.marked?.cores.some((cpu) => cell.threads.includes(cpu)) === true;
  return (
    <Part
      id={cell.id}
      filling={filling}
      class={`topo-cell cpu ${kind === undefined ? '' : 'slower'} ${holders.length > 0 ? 'hatched' : ''} ${isMarked ? 'marked' : ''}`}
      label={`${cell.core.label}, CPU ${cell.threads.join(' and ')}, ${busy === undefined ? 'use unknown' : `${percent(busy)} busy`}${kind === undefined ? '' : `, of the slower kind ${kind}`}${holders.length === 0 ? '' : `, kept for ${listed(holders)}`}`}
    >
      {shares.map((share, i) => (
        <i key={cell.threads[i]} style={{ height: percent(share ?? 0) }} />
      ))}
      <b>{cell.threads[0] ?? ''}</b>
    </Part>
  );
}

/** The name of its kind, where the machine has a faster one. */
function slowness({ cpu }: InventoryDocument, { threads }: Cell): string | undefined {
  const kinds = cpu?.kinds ?? [];
  const at = kinds.findIndex(({ cpus }) => cpus.includes(threads[0] ?? -1));
  return at >= 0 && at < kinds.length - 1 ? kinds[at]?.name : undefined;
}

function MemoryPart({ memory, filling }: { readonly memory: Vertex; readonly filling: Filling }) {
  const node = filling.document.cpu?.numa_nodes.find(({ id }) => id === memory.number);
  const used =
    node?.memory_bytes != null && node.free_bytes !== null && node.memory_bytes > 0
      ? 1 - node.free_bytes / node.memory_bytes
      : undefined;
  const size = bytes(node?.memory_bytes);
  return (
    <Part
      id={memory.id}
      filling={filling}
      class="topo-memory memory"
      label={`NUMA ${memory.number}, ${size}, ${used === undefined ? 'use unknown' : `${percent(used)} in use, with the page cache`}`}
    >
      <i style={{ width: percent(used ?? 0) }} />
      <b>NUMA {memory.number}</b> <span>{size}</span>{' '}
      <span class="topo-share">{percent(used)}</span>
    </Part>
  );
}

function DevicePart({ device, filling }: { readonly device: Device; readonly filling: Filling }) {
  const gpu = device.kind === 'gpu' ? device.items[0] : undefined;
  if (gpu !== undefined) return <GpuPart device={device} filling={filling} />;
  const fact = factOfDevice(device);
  return (
    <Part
      id={device.id}
      filling={filling}
      class={`topo-device ${device.kind}`}
      label={`${device.kind} ${device.name}, ${fact === UNKNOWN ? 'size or speed unknown' : fact}`}
    >
      <span class="topo-kind">{device.kind}</span> <b>{device.name}</b>{' '}
      <span class="muted">{fact}</span>
    </Part>
  );
}

/** The one figure that tells such devices apart. */
function factOfDevice({ kind, items }: Device): string {
  const fields = { disk: 'size_bytes', network: 'speed_bits_per_second', accelerator: 'model' };
  if (kind === 'gpu' || kind === 'memory') return '';
  const field = fields[kind];
  const item = items.find((each) => each[field] != null);
  return textOf(field, item?.[field]);
}

function GpuPart({ device, filling }: { readonly device: Device; readonly filling: Filling }) {
  const gpu = filling.document.gpus.find((each) => each === device.items[0]);
  if (gpu === undefined) return null;
  const share = (id: string | null): number | undefined =>
    id === null ? undefined : filling.held.get(id);
  const held = share(gpu.id);
  const busy = gpu.id === null ? undefined : filling.gpuBusy.get(gpu.id);
  const isMarked = filling.marked?.gpus.some((id) => id === gpu.id) === true;
  const instances = gpu.mig.map((mig) => ({
    name: mig.profile ?? UNKNOWN,
    held: share(mig.id),
    weight: mig.memory_bytes ?? 1,
  }));
  const heldText =
    instances.length > 0
      ? counted(instances.length, 'MIG instance')
      : held === undefined
        ? 'not given out'
        : `${percent(held / 1_000)} held`;
  return (
    <Part
      id={device.id}
      filling={filling}
      class={`topo-device gpu ${held === undefined ? '' : 'held'} ${isMarked ? 'marked' : ''}`}
      label={`${device.name}, ${gpu.model ?? 'model unknown'}, ${bytes(gpu.memory_bytes)}, ${heldText}${busy === undefined ? '' : `, ${percent(busy)} busy`}`}
    >
      {busy !== undefined && <i class="gpu-busy" style={{ width: percent(busy) }} />}
      {held !== undefined && <i class="hatched" style={{ width: percent(held / 1_000) }} />}
      <span class="topo-kind">{device.name}</span>
      <b>{gpu.model ?? UNKNOWN}</b>
      <span class="muted">
        {bytes(gpu.memory_bytes)} · {heldText}
      </span>
      {instances.length > 0 && (
        <span class="topo-mig">
          {instances.map(({ name, held: milli, weight }, i) => (
            <span
              key={i}
              class={milli !== undefined && milli > 0 ? 'hatched' : ''}
              style={{ flexGrow: weight }}
            >
              {name}
            </span>
          ))}
        </span>
      )}
    </Part>
  );
}

interface BoxTextProps {
  readonly box: Box;
  readonly document: InventoryDocument;
}

function BoxText({ box, document }: BoxTextProps) {
  const cores = counted(box.cells.length, 'core');
  const cpus = box.cells.flatMap((cell) => cell.threads).join(', ');
  return (
    <li>
      {box.title}, CPUs {box.cpus}
      <ul>
        {box.memories.map((memory) => (
          <li key={memory.id}>{memory.label}</li>
        ))}
        {box.cells.length > 0 && (
          <li>
            {cores}: CPUs {cpus}
          </li>
        )}
        {box.boxes.map((inner) => (
          <BoxText key={inner.id} box={inner} document={document} />
        ))}
        {box.devices.map((device) => (
          <li key={device.id}>
            {device.kind === 'gpu' ? '' : `${device.kind} `}
            {device.name}
            {device.items.filter(isItem).length > 0 && device.kind !== 'gpu'
              ? `, ${factOfDevice(device)}`
              : ''}
          </li>
        ))}
      </ul>
    </li>
  );
}
