import { engineBench, replayBench } from './engine.ts';
import { inventoryBench } from './inventory.ts';
import { journalBench } from './journal.ts';
import { launchBench } from './launch.ts';
import { openbBench } from './openb.ts';
import { queuesBench } from './queues.ts';
import { swfBench } from './swf.ts';

export interface Bench {
  readonly what: string;
  run(args: readonly string[]): Promise<unknown> | unknown;
}

export const registry: Readonly<Record<string, Bench>> = {
  engine: engineBench,
  journal: journalBench,
  launch: launchBench,
  replay: replayBench,
  queues: queuesBench,
<<<<<<< HEAD
  openb: openbBench,
=======
  inventory: inventoryBench,
>>>>>>> invsurface
  swf: swfBench,
};
