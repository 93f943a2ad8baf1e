import assert from 'node:assert/strict';
import { actionPrograms } from '../../src/app/action-programs.ts';
import { bytes } from '../../src/base/units.ts';
import type { Gpu, Node } from '../../src/model/node.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { GIB, node } from '../builders/workload.ts';
import { type BlockName, seedBlock } from './seed-blocks.ts';

export interface BlockDocument {
  readonly spec: WorkloadSpec;
  /** `path.of.key: message` of each. */
  readonly warnings: readonly string[];
}

/** The block as it is written, with what is needed behind it to be a job or pipeline of its own. */
export const document = (name: BlockName, rest = ''): string => `${seedBlock(name)}${rest}`;

/** The block as a document, which must be right. */
export const readBlock = (name: BlockName, rest = ''): BlockDocument =>
  readText(document(name, rest), name);

export function readText(text: string, name: string): BlockDocument {
  const parsed = parseDocument(text, { fileName: `${name}.yaml`, programs: actionPrograms });
  assert.ok(parsed.ok, parsed.ok ? '' : formatIssues(parsed.issues, text, name));
  const warnings = parsed.warnings.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return { spec: parsed.spec, warnings };
}

const gpu = (id: string, model: string, mib: number): Gpu => ({
  id,
  model,
  memory: bytes(mib * 1024 ** 2),
});

/** As nvidia-smi names them, with the memory that it tells. */
export const v100 = (id: string): Gpu => gpu(id, 'Tesla V100-SXM2-16GB', 16_160);
export const a100 = (id: string): Gpu => gpu(id, 'NVIDIA A100-SXM4-40GB', 40_536);
export const t4 = (id: string): Gpu => gpu(id, 'Tesla T4', 15_360);

/** A modelled machine; CPUs and GiB as people say them. */
export function machine(
  id: string,
  has: {
    readonly cpu?: number;
    readonly gib?: number;
    readonly gpus?: readonly Gpu[];
    readonly labels?: Readonly<Record<string, string>>;
  },
): Node {
  const { cpu = 64, gib = 256, gpus = [], labels = {} } = has;
  return { ...node(id, { cpu: cpu * 1000, memory: gib * GIB }), gpus, labels };
}
