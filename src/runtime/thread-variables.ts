import type { ProcessTerms } from '../model/execution-terms.ts';
import type { Placement } from '../model/messages.ts';

/**
 * Each is read by one family of libraries, which otherwise start a thread for every CPU of the host. PyTorch and
 * XGBoost read that of OpenMP.
 */
const names = [
  'OMP_NUM_THREADS',
  'MKL_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'NUMEXPR_MAX_THREADS',
  'TORCHINDUCTOR_COMPILE_THREADS',
  'RAYON_NUM_THREADS',
] as const;

/** One thread for each whole CPU that it holds, and at least one; nothing where its terms say so. */
export function threadVariables(
  process: ProcessTerms | undefined,
  { held, cores }: Placement,
): Readonly<Record<string, string>> {
  if (process?.threadVariables === false) return {};
  const own = process?.cores === 'exclusive' ? cores?.length : undefined;
  const threads = String(own ?? Math.max(1, Math.floor(held.cpu / 1000)));
  return Object.fromEntries(names.map((name) => [name, threads]));
}
