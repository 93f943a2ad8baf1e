import type { Constraints } from '../model/constraints.ts';
import type { Gpu } from '../model/node.ts';

/** Answers kept: models of a site × what people write. Begun afresh beyond, as texts of people have no end. */
const ANSWERS_MAX = 1_000;
const answers = new Map<string, Map<string, boolean>>();

/** A V100 of 16 GiB tells 16,160 MiB: up to such a part of its memory a driver keeps for itself. */
const DRIVER_PART = 32;

/** Whether this device may be given under these constraints, free or not. */
export function allowsGpu(
  constraints: Constraints | undefined,
  gpu: Pick<Gpu, 'model' | 'memory' | 'vendor'>,
): boolean {
  if (constraints === undefined) return true;
  const { gpuModels, gpuMemory } = constraints;
  if (gpu.memory < gpuMemory - gpuMemory / DRIVER_PART) return false;
  return gpuModels.length === 0 || gpuModels.some((wanted) => isModel(wanted, gpu));
}

/**
 * `a100` and `nvidia-a100` are any NVIDIA A100: all words of what is wanted are words of the model, or its
 * vendor, which nvidia-smi leaves out of names such as `Tesla V100-SXM2-16GB`.
 */
function isModel(wanted: string, { model, vendor }: Pick<Gpu, 'model' | 'vendor'>): boolean {
  if (wanted === model) return true;
  let known = answers.get(wanted);
  if (known === undefined) {
    if (answers.size >= ANSWERS_MAX) answers.clear();
    known = new Map();
    answers.set(wanted, known);
  }
  const key = vendor === undefined ? model : `${vendor} ${model}`;
  let answer = known.get(key);
  if (answer === undefined) {
    const words = [vendor ?? 'nvidia', ...wordsOf(model)];
    const asked = wordsOf(wanted);
    answer = asked.length > 0 && asked.every((word) => words.includes(word));
    if (known.size >= ANSWERS_MAX) known.clear();
    known.set(key, answer);
  }
  return answer;
}

const wordsOf = (model: string): string[] => model.toLowerCase().match(/[a-z0-9.]+/g) ?? [];
