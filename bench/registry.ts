import { cliBench } from './cli.ts';
import { engineBench, replayBench } from './engine.ts';
import { journalBench } from './journal.ts';
import { launchBench } from './launch.ts';
import { queuesBench } from './queues.ts';
import { swfBench } from './swf.ts';

export interface Bench {
  readonly what: string;
  run(args: readonly string[]): Promise<unknown> | unknown;
}

export const registry: Readonly<Record<string, Bench>> = {
  cli: cliBench,
  engine: engineBench,
  journal: journalBench,
  launch: launchBench,
  replay: replayBench,
  queues: queuesBench,
  swf: swfBench,
};
