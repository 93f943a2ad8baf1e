import type { Resources } from '../../model/resources.ts';
import type { StepDocument } from '../contract/documents.ts';

export function resourcesDocument(r: Resources): StepDocument['request'] {
  return {
    cpu_milli: r.cpu,
    memory_bytes: r.memory,
    gpu_milli: r.gpu,
    custom: Object.fromEntries(r.custom),
  };
}
