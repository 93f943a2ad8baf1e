import { nearest } from '../base/nearest.ts';
import type { Bytes, MilliCpu } from '../base/units.ts';
import { parseBytes, parseCpu, shown } from './quantities.ts';

/** Machines that are thought of: as another one is, with what is said differently. */
export interface NodeShape {
  readonly count: number;
  readonly name?: string;
  /** A node of the site. */
  readonly like?: string;
  readonly cpu?: MilliCpu;
  readonly memory?: Bytes;
  readonly gpus?: number;
  readonly gpuMemory?: Bytes;
  readonly gpuModel?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type ParsedShape =
  | { readonly ok: true; readonly shape: NodeShape }
  | { readonly ok: false; readonly problem: string };

const keys = ['name', 'like', 'count', 'cpu', 'memory', 'gpus', 'gpu_memory', 'gpu_model'] as const;
const LABEL = 'label.';
const COUNT_MAX = 10_000;
const GPUS_MAX = 64;

/** `cpu=32,memory=128Gi,gpus=8,gpu_memory=80Gi,count=2,label.zone=a`, or `like=node1,count=2`. */
export function parseNodeShape(text: string): ParsedShape {
  const said = new Map<string, string>();
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(0, at)).trim();
    const value = part.slice(at + 1).trim();
    if (at < 1 || value === '') return wrong(`${shown(part.trim())} is not KEY=VALUE`);
    if (!isKey(key)) {
      const near = nearest(key, keys);
      return wrong(
        `${shown(key)} is nothing that a node has${near === undefined ? `; it has ${keys.join(', ')} and label.NAME` : `: did you mean ${near}`}`,
      );
    }
    if (said.has(key)) return wrong(`${key} is said twice`);
    said.set(key, value);
  }
  return shapeOf(said);
}

function shapeOf(said: ReadonlyMap<string, string>): ParsedShape {
  const cpu = amountOf(said.get('cpu'), parseCpu);
  const memory = amountOf(said.get('memory'), parseBytes);
  const gpuMemory = amountOf(said.get('gpu_memory'), parseBytes);
  const count = wholeOf(said.get('count') ?? '1', 1, COUNT_MAX);
  const gpus = said.has('gpus') ? wholeOf(said.get('gpus')!, 0, GPUS_MAX) : undefined;
  const [name, like, gpuModel] = [said.get('name'), said.get('like'), said.get('gpu_model')];
  if (cpu === null) return wrong(`cpu=${said.get('cpu')}: not a number of cores such as 32`);
  if (memory === null) return wrong(`memory=${said.get('memory')}: not an amount such as 128Gi`);
  if (gpuMemory === null)
    return wrong(`gpu_memory=${said.get('gpu_memory')}: not an amount such as 80Gi`);
  if (count === null)
    return wrong(`count=${said.get('count')}: not a number from 1 to ${COUNT_MAX}`);
  if (gpus === null) return wrong(`gpus=${said.get('gpus')}: not a number from 0 to ${GPUS_MAX}`);
  if (like === undefined && (cpu === undefined || memory === undefined)) {
    return wrong('a node needs cpu and memory, or `like` with the name of another one');
  }
  const labels = [...said].flatMap(([key, value]) =>
    key.startsWith(LABEL) ? [[key.slice(LABEL.length), value] as const] : [],
  );
  const shape = {
    count,
    ...(name !== undefined && { name }),
    ...(like !== undefined && { like }),
    ...(cpu !== undefined && { cpu }),
    ...(memory !== undefined && { memory }),
    ...(gpus !== undefined && { gpus }),
    ...(gpuMemory !== undefined && { gpuMemory }),
    ...(gpuModel !== undefined && { gpuModel }),
    labels: Object.fromEntries(labels),
  };
  return { ok: true, shape };
}

const isKey = (key: string): boolean =>
  (keys as readonly string[]).includes(key) || (key.startsWith(LABEL) && key.length > LABEL.length);

/** Null: it is none. */
function amountOf<T>(
  text: string | undefined,
  parse: (text: string) => { readonly ok: true; readonly value: T } | { readonly ok: false },
): T | undefined | null {
  if (text === undefined) return undefined;
  const parsed = parse(text);
  return parsed.ok ? parsed.value : null;
}

function wholeOf(text: string, least: number, most: number): number | null {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  return number >= least && number <= most ? number : null;
}

const wrong = (problem: string): ParsedShape => ({ ok: false, problem });
