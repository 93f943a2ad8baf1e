import {
  type Baseline,
  type BaselineComparison,
  type BaselineName,
  baselineKinds,
} from './baseline.ts';
import { knownValue } from './fact.ts';

/** A baseline as `--json` shows it, with what changed since the one before it. */
export interface BaselineDocument {
  readonly taken_at: number;
  readonly host: {
    readonly cpu: string;
    readonly threads: number;
    readonly memory_bytes: number;
    readonly architecture: string;
    readonly kernel: string;
    readonly disk: string;
  };
  readonly measurements: readonly {
    readonly name: BaselineName;
    readonly unit: string;
    readonly better: 'higher' | 'lower';
    readonly method: string;
    readonly repeats: number;
    readonly min: number;
    readonly median: number;
    readonly max: number;
    readonly note: string | null;
  }[];
  readonly problems: readonly string[];
  /** Null when there is none before it. */
  readonly compared: {
    readonly with_taken_at: number;
    readonly differs: readonly string[];
    readonly changes: readonly {
      readonly name: BaselineName;
      readonly verdict: BaselineComparison['changes'][number]['verdict'];
      /** New median over old; null where they are not compared. */
      readonly ratio: number | null;
    }[];
  } | null;
}

export function baselineDocument(
  { takenAt, host, measurements, problems }: Baseline,
  before: { readonly takenAt: number; readonly comparison: BaselineComparison } | undefined,
): BaselineDocument {
  const { memoryBytes, ...named } = host;
  return {
    taken_at: takenAt,
    host: { ...named, memory_bytes: memoryBytes },
    measurements: measurements.map(({ name, note, ...figures }) => ({
      name,
      ...baselineKinds[name],
      ...figures,
      note: note ?? null,
    })),
    problems,
    compared:
      before === undefined
        ? null
        : {
            with_taken_at: before.takenAt,
            differs: before.comparison.differs,
            changes: before.comparison.changes.map(({ name, verdict, ratioBp }) => {
              const ratio = knownValue(ratioBp);
              return { name, verdict, ratio: ratio === undefined ? null : ratio / 10_000 };
            }),
          },
  };
}
