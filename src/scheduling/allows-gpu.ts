import type { Constraints } from '../model/constraints.ts';
import type { Gpu } from '../model/node.ts';

/** Answers kept: models of a site × what people write. Begun afresh beyond, as texts of people have no end. */
const ANSWERS_MAX = 1_000;
const answers = new Map<string, Map<string, boolean>>();

/** Whether this device may be given under these constraints, free or not. */
export function allowsGpu(
  constraints: Constraints | undefined,
  gpu: Pick<Gpu, 'model' | 'memory'>,
): boolean {
  if (constraints === undefined) return true;
  const { gpuModels, gpuMemory } = constraints;
  if (gpu.memory < gpuMemory) return false;
  return gpuModels.length === 0 || gpuModels.some((wanted) => isModel(wanted, gpu.model));
}

/** `a100` and `nvidia-a100` are any NVIDIA A100: all words of what is wanted are words of the model. */
function isModel(wanted: string, model: string): boolean {
  if (wanted === model) return true;
  let known = answers.get(wanted);
  if (known === undefined) {
    if (answers.size >= ANSWERS_MAX) answers.clear();
    known = new Map();
    answers.set(wanted, known);
  }
  let answer = known.get(model);
  if (answer === undefined) {
    const words = wordsOf(model);
    const asked = wordsOf(wanted);
    answer = asked.length > 0 && asked.every((word) => words.includes(word));
    if (known.size >= ANSWERS_MAX) known.clear();
    known.set(model, answer);
  }
  return answer;
}

const wordsOf = (model: string): string[] => model.toLowerCase().match(/[a-z0-9.]+/g) ?? [];
