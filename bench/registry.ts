import { adoptBench } from './adopt.ts';
import type { Bench } from './bench.ts';
import { cliBench } from './cli.ts';
import { engineBench, replayBench } from './engine.ts';
import { expositionBench } from './exposition.ts';
import { flowBench } from './flow.ts';
import { forkBench } from './fork.ts';
import { framesBench } from './frames.ts';
import { historyBench } from './history.ts';
import { inventoryBench } from './inventory.ts';
import { journalBench } from './journal.ts';
import { kueueBench } from './kueue.ts';
import { launchBench } from './launch.ts';
import { openbBench } from './openb.ts';
import { overheadBench } from './overhead.ts';
import { peersBench } from './peers.ts';
import { pipelineBench } from './pipeline.ts';
import { predictBench } from './predict.ts';
import { preemptionBench } from './preemption.ts';
import { queuesBench } from './queues.ts';
import { samplingBench } from './sampling.ts';
import { simulationBench } from './simulation.ts';
import { speedBench } from './speed.ts';
import { startTimesBench } from './start-times.ts';
import { swfBench } from './swf.ts';

export const registry: Readonly<Record<string, Bench>> = {
  adopt: adoptBench,
  cli: cliBench,
  engine: engineBench,
  pipeline: pipelineBench,
  exposition: expositionBench,
  flow: flowBench,
  predict: predictBench,
  fork: forkBench,
  frames: framesBench,
  preemption: preemptionBench,
  history: historyBench,
  inventory: inventoryBench,
  journal: journalBench,
  kueue: kueueBench,
  launch: launchBench,
  openb: openbBench,
  overhead: overheadBench,
  peers: peersBench,
  queues: queuesBench,
  replay: replayBench,
  sampling: samplingBench,
  simulation: simulationBench,
  speed: speedBench,
  'start-times': startTimesBench,
  swf: swfBench,
};
