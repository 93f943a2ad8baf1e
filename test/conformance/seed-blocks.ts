import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const data = process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data');
const SEED = join(data, '../seeds/002_3a0c3142ae9171bd.txt');

/** Of each YAML block of the source its name here, in the order in which they stand there. */
export const BLOCKS = [
  'resources',
  'step-resources',
  'models',
  'storage',
  'network',
  'priority-classes',
  'fair-scheduling',
  'queues',
  'pipeline-limits',
  'task-limits',
  'multi-tenancy',
  'autoscaling',
  'spot-instances',
  'monitoring',
  'cost-optimization',
  'reservations',
  'qos',
  'affinity',
  'high-performance-pipeline',
  'cost-optimized-pipeline',
  'multi-tenant-pipeline',
] as const;
export type BlockName = (typeof BLOCKS)[number];

export interface SeedBlock {
  readonly text: string;
  /** In the source, of its first line. */
  readonly line: number;
}

const lines = existsSync(SEED) ? readFileSync(SEED, 'utf8').split('\n') : undefined;

/** The blocks as they are written in the source; undefined where it is absent. */
export const seedBlocks = lines && readBlocks(lines, 'yaml');
/** Its examples in Python: a shared pool, and what was used. */
export const pythonBlocks = lines && readBlocks(lines, 'python');

/** For `test`: skips visibly where the source is absent. */
export const whereSeed = {
  skip: seedBlocks === undefined ? `no source documents beside ${data}` : false,
  timeout: 120_000,
} as const;

export function seedBlock(name: BlockName): string {
  return seedBlocks![BLOCKS.indexOf(name)]!.text;
}

function readBlocks(lines: readonly string[], language: string): SeedBlock[] {
  const blocks: SeedBlock[] = [];
  for (const [i, line] of lines.entries()) {
    if (line !== `.. code-block:: ${language}`) continue;
    const rest = lines.slice(i + 1);
    const end = rest.findIndex((one) => one !== '' && !one.startsWith('   '));
    const inside = rest.slice(0, end === -1 ? undefined : end).map((one) => one.slice(3));
    const first = inside.findIndex((one) => one !== '');
    blocks.push({ text: `${inside.slice(first).join('\n').trimEnd()}\n`, line: i + 2 + first });
  }
  return blocks;
}
