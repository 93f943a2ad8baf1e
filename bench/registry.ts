import { engineBench, replayBench } from './engine.ts';
import { openbBench } from './openb.ts';
import { swfBench } from './swf.ts';

export interface Bench {
  readonly what: string;
  run(args: readonly string[]): Promise<unknown> | unknown;
}

export const registry: Readonly<Record<string, Bench>> = {
  engine: engineBench,
  replay: replayBench,
  openb: openbBench,
  swf: swfBench,
};
