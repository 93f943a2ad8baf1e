import { type Fact, unknown } from '../fact.ts';
import { gpuUuid } from './nvidia-listing.ts';
import { count, told, words } from './scalars.ts';

/** /proc/driver/nvidia/gpus/<address>/information: there without nvidia-smi, and without starting it. */
export interface NvidiaProcfsGpu {
  readonly model: Fact<string>;
  readonly uuid: Fact<string>;
  readonly minor: Fact<number>;
}

export function parseNvidiaInformation(text: string | undefined): NvidiaProcfsGpu {
  if (text === undefined) {
    const none = unknown('not-reported');
    return { model: none, uuid: none, minor: none };
  }
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.{0,200})$`, 'm').exec(text)?.[1];
  return {
    model: told(field('Model'), 'driver', words),
    // Question marks stand for digits until the GPU is first used.
    uuid: told(field('GPU UUID'), 'driver', (uuid) => gpuUuid(uuid)),
    minor: told(field('Device Minor'), 'driver', count),
  };
}
