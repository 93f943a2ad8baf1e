import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { OperationError } from '../../../model/errors.ts';
import { type Baseline, type BaselineName, baselineKinds } from '../../baseline.ts';

/** A year of weekly runs. */
const KEPT = 52;
const FILE = 'baselines.json';

const name = z.custom<BaselineName>(
  (v) => typeof v === 'string' && Object.hasOwn(baselineKinds, v),
);
const figure = z.number().nonnegative();
const schema = z.array(
  z.object({
    takenAt: z.number().int().nonnegative(),
    host: z.object({
      cpu: z.string(),
      threads: z.number(),
      memoryBytes: z.number(),
      architecture: z.string(),
      kernel: z.string(),
      disk: z.string(),
    }),
    measurements: z.array(
      z.object({
        name,
        method: z.string(),
        repeats: figure,
        min: figure,
        median: figure,
        max: figure,
        note: z
          .string()
          .optional()
          .transform((note) => note),
      }),
    ),
    problems: z.array(z.string()),
  }),
);

/** The baselines of a state folder, oldest first; none when there is no file. Throws STATE_CORRUPT. */
export function readBaselines(stateFolder: string): readonly Baseline[] {
  const path = join(stateFolder, FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new OperationError('FILE_UNREADABLE', `${path} cannot be read.`, { path }, error);
  }
  try {
    return schema.parse(JSON.parse(text)).map((baseline) => ({
      ...baseline,
      measurements: baseline.measurements.map((m) => ({ ...m, note: m.note })),
    }));
  } catch (error) {
    throw new OperationError('STATE_CORRUPT', `${path} holds no baselines.`, { path }, error);
  }
}

/** Adds one and drops the oldest beyond 52. The file is whole at any moment. */
export function keepBaseline(stateFolder: string, baseline: Baseline): void {
  const path = join(stateFolder, FILE);
  const all = [...readBaselines(stateFolder), baseline].slice(-KEPT);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${JSON.stringify(all, undefined, 1)}\n`, {
      mode: 0o600,
      flush: true,
    });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new OperationError('STATE_UNWRITABLE', `${path} cannot be written.`, { path }, error);
  }
}
