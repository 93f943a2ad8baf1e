import { UNLIMITED } from '../base/units.ts';
import type { Resources } from '../model/resources.ts';
import type { Usage } from '../model/scheduling-config.ts';

/** held × time, rounded up to a whole unit of each resource; nothing where the time is not known. */
export function chargeOf(request: Resources, ms: number): Usage {
  if (ms >= UNLIMITED) return { cpu: 0, memory: 0, gpu: 0 };
  const mib = Math.ceil(request.memory / 1024 ** 2);
  return { cpu: times(request.cpu, ms), memory: times(mib, ms), gpu: times(request.gpu, ms) };
}

function times(amount: number, ms: number): number {
  const seconds = Math.floor(ms / 1000);
  return Math.min(UNLIMITED, amount * seconds + Math.ceil((amount * (ms - seconds * 1000)) / 1000));
}
