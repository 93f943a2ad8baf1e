import type { NodeList, Status, Usage } from '../../../src/api/contract/documents.ts';
import { bytes, counted, milli, percent, UNKNOWN } from '../format.ts';
import { scaleOfUnit } from '../metrics.ts';
import type { Resource } from '../panels.ts';
import { InventoryView } from '../parts/inventory-view.tsx';
import { latestOfGpu, MeasuredNow, machineMetrics } from '../parts/measured-now.tsx';
import { EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { ResourceBar } from '../parts/resource-bar.tsx';
import { always, useDocument } from '../use-document.ts';
import { useLatest } from '../use-latest.ts';
import { enforcementSentence } from '../words.ts';

type NodeDocument = NodeList['nodes'][number];

/** What each machine may give out, what is held of it, and what is really used. */
export function NodesPage({ status }: { readonly status: Status | undefined }) {
  const { value, problem } = useDocument<NodeList>('/api/v1/nodes', {
    when: ({ nodes }) => nodes,
    everyMs: 1_000,
  }).value;
  // The daemon samples its own machine: with several nodes there is no telling which.
  const alone = value?.nodes.length === 1;
  const usage = useDocument<Usage>(alone ? '/api/v1/usage?window=1m' : undefined, {
    when: always,
    everyMs: 2_000,
  }).value.value;
  const latest = useLatest(alone ? machineMetrics : []);
  return (
    <>
      <h1 class="lead">{value === undefined ? '\u00a0' : leadOf(value.nodes)}</h1>
      {status !== undefined && (
        <p class="sub">
          {enforcementSentence(status.enforcement)} {status.enforcement.notes.join(' ')}
        </p>
      )}
      {problem !== undefined && <ProblemNote problem={problem} />}
      {value?.nodes.length === 0 && (
        <EmptyNote command="berth inventory">
          No node has joined. See what Berth finds on this machine:
        </EmptyNote>
      )}
      {value?.nodes.map((node) => (
        <NodeBlock key={node.id} node={node} usage={usage} latest={alone ? latest : undefined} />
      ))}
      {alone && <InventoryView gpus={value.nodes[0]?.gpus ?? []} latest={latest} />}
    </>
  );
}

function leadOf(nodes: readonly NodeDocument[]): string {
  const cpu = nodes.reduce((sum, node) => sum + node.allocatable.cpu_milli, 0);
  const held = nodes.reduce((sum, node) => sum + node.held.cpu_milli, 0);
  const gpus = nodes.reduce((sum, node) => sum + node.gpus.length, 0);
  if (nodes.length === 0) return 'No nodes.';
  return `${counted(nodes.length, 'node')} with ${milli(cpu)} CPUs${gpus === 0 ? '' : ` and ${counted(gpus, 'GPU')}`}; ${percent(cpu === 0 ? 0 : held / cpu)} of the CPU is held.`;
}

type Latest = ReturnType<typeof useLatest>;

function NodeBlock({
  node,
  usage,
  latest,
}: {
  /** Of the machine of the daemon. */
  readonly latest: Latest | undefined;
  readonly node: NodeDocument;
  readonly usage: Usage | undefined;
}) {
  const { allocatable, held } = node;
  const busy = usage?.cpu_ratio.at(-1);
  const labels = Object.entries(node.labels);
  return (
    <section class="part" aria-label={`Node ${node.id}`}>
      <header class="section-head">
        <h2>{node.id}</h2>
        <span class="muted">{labels.map(([name, value]) => `${name}=${value}`).join('  ')}</span>
      </header>
      {latest !== undefined && <MeasuredNow latest={latest} />}
      <table class="amounts">
        <thead>
          <tr>
            <th scope="col">Resource</th>
            <th scope="col" class="col-bar">
              Held <i class="key outline" /> <span class="key-words">and used</span>{' '}
              <i class="key fill" />
            </th>
            <th scope="col" class="number">
              Used
            </th>
            <th scope="col" class="number">
              Held
            </th>
            <th scope="col" class="number">
              Free
            </th>
            <th scope="col" class="number">
              Allocatable
            </th>
          </tr>
        </thead>
        <tbody>
          <Amount
            name="CPU"
            resource="cpu"
            whole={allocatable.cpu_milli}
            held={held.cpu_milli}
            used={busy == null ? undefined : busy * allocatable.cpu_milli}
            format={milli}
          />
          <Amount
            name="Memory"
            resource="memory"
            whole={allocatable.memory_bytes}
            held={held.memory_bytes}
            used={usage?.memory_used_bytes.at(-1) ?? undefined}
            format={bytes}
          />
          {allocatable.gpu_milli > 0 && (
            <Amount
              name="GPU"
              resource="gpu"
              whole={allocatable.gpu_milli}
              held={held.gpu_milli}
              used={undefined}
              format={milli}
            />
          )}
          {Object.entries(allocatable.custom).map(([name, amount]) => (
            <Amount
              key={name}
              name={name}
              resource="custom"
              whole={amount}
              held={held.custom[name] ?? 0}
              used={undefined}
              format={String}
            />
          ))}
        </tbody>
      </table>
      {node.gpus.length > 0 && <Gpus gpus={node.gpus} latest={latest ?? new Map()} />}
    </section>
  );
}

interface AmountProps {
  readonly name: string;
  readonly resource: Resource;
  readonly whole: number;
  readonly held: number;
  readonly used: number | undefined;
  format(amount: number): string;
}

function Amount({ name, resource, whole, held, used, format }: AmountProps) {
  const usedText = used === undefined ? UNKNOWN : format(used);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="col-bar">
        <ResourceBar
          resource={resource}
          requested={held}
          used={used}
          whole={whole}
          label={`${name}: ${format(held)} held and ${used === undefined ? 'an unknown amount' : usedText} used (measured) of ${format(whole)}`}
        />
      </td>
      <td class="number">{usedText}</td>
      <td class="number">{format(held)}</td>
      <td class="number">{format(Math.max(0, whole - held))}</td>
      <td class="number">{format(whole)}</td>
    </tr>
  );
}

function Gpus({ gpus, latest }: { readonly gpus: NodeDocument['gpus']; readonly latest: Latest }) {
  return (
    <table class="amounts gpus" aria-label="GPUs">
      <thead>
        <tr>
          <th scope="col">GPU</th>
          <th scope="col" class="col-bar">
            Held <i class="key outline" /> <span class="key-words">and busy</span>{' '}
            <i class="key fill" />
          </th>
          <th scope="col" class="number">
            Busy
          </th>
          <th scope="col" class="number">
            Held
          </th>
          <th scope="col" class="number">
            Memory
          </th>
          <th scope="col" class="number">
            Heat
          </th>
          <th scope="col" class="number">
            Power
          </th>
          <th scope="col">Model</th>
        </tr>
      </thead>
      <tbody>
        {gpus.map((gpu) => (
          <GpuRow key={gpu.id} gpu={gpu} latest={latest} />
        ))}
      </tbody>
    </table>
  );
}

const celsius = scaleOfUnit('celsius').format;
const watts = scaleOfUnit('watts').format;

function GpuRow({
  gpu: { id, model, memory_bytes, held_milli },
  latest,
}: {
  readonly gpu: NodeDocument['gpus'][number];
  readonly latest: Latest;
}) {
  const busy = latestOfGpu(latest, 'berth_gpu_busy_ratio', id);
  const used = latestOfGpu(latest, 'berth_gpu_memory_used_bytes', id);
  const memory =
    used === undefined ? bytes(memory_bytes) : `${bytes(used)} of ${bytes(memory_bytes)}`;
  return (
    <tr>
      <th scope="row">
        <code>{id}</code>
      </th>
      <td class="col-bar">
        <ResourceBar
          resource="gpu"
          requested={held_milli}
          used={busy === undefined ? undefined : busy * 1_000}
          whole={1_000}
          label={`${percent(held_milli / 1_000)} of ${id} is held; ${busy === undefined ? 'its use is unknown' : `busy ${percent(busy)} of the time (driver)`}`}
        />
      </td>
      <td class="number">{percent(busy)}</td>
      <td class="number">{percent(held_milli / 1_000)}</td>
      <td class="number" title={memory}>
        {bytes(used ?? memory_bytes)}
      </td>
      <td class="number">{celsius(latestOfGpu(latest, 'berth_gpu_temperature_celsius', id))}</td>
      <td class="number">{watts(latestOfGpu(latest, 'berth_gpu_power_watts', id))}</td>
      <td title={model}>{model}</td>
    </tr>
  );
}
