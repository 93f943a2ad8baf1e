import { ScenarioSite } from './scenario-site.ts';
import { GIB, MIB, type ToyStep, type ToyWorkload } from './toy-workload.ts';

const quickstart = `# Prepare once, train four folds side by side, then compare.
name: quickstart
kind: pipeline
steps:
  prepare:
    command: python prepare.py --out data/
    resources: {cpu: 2, memory: 2Gi}
  train:
    needs: [prepare]
    count: 4
    command: python train.py --fold $BERTH_TASK_INDEX
    resources: {cpu: 4, memory: 8Gi}
    retry: {max: 2, memory_growth: 1.5}
  evaluate:
    needs: [train]
    command: python evaluate.py --report report.html
    resources: {cpu: 1, memory: 1Gi}
`;

const step = (id: string, rest: Partial<ToyStep>): ToyStep => ({
  id,
  command: `python ${id}.py`,
  cpuMilli: 2_000,
  memoryBytes: 2 * GIB,
  runMs: 30_000,
  ...rest,
});

const epochs = (second: number, task: number): string =>
  `[fold ${task}] step ${second * 40}  loss ${(2.4 / (1 + second * 0.11)).toFixed(4)}  lr 3.0e-04  ${(11.2 + (second % 7) * 0.3).toFixed(1)} it/s`;

const outOfMemory = {
  cause: 'oom-killed',
  exitCode: 137,
  signal: 'SIGKILL',
  message: 'The kernel killed python (pid 5003) in its cgroup.',
} as const;

const training: ToyWorkload = {
  name: 'quickstart',
  source: quickstart,
  steps: [
    step('prepare', {
      command: 'python prepare.py --out data/',
      runMs: 12_000,
      says: (s) => `shard ${s} of 12 written`,
    }),
    step('train', {
      needs: ['prepare'],
      command: 'python train.py --fold $BERTH_TASK_INDEX',
      tasks: 4,
      cpuMilli: 4_000,
      memoryBytes: 8 * GIB,
      memoryLimitBytes: 10 * GIB,
      runMs: 240_000,
      says: epochs,
    }),
    step('evaluate', {
      needs: ['train'],
      command: 'python evaluate.py --report report.html',
      cpuMilli: 1_000,
      memoryBytes: GIB,
    }),
  ],
};

/** A daemon that nobody has given work yet. */
export function emptySite(): ScenarioSite {
  const site = new ScenarioSite();
  site.advance(600_000);
  return site;
}

export function oneRunning(): ScenarioSite {
  const site = emptySite();
  site.add(training);
  site.advance(95_000);
  return site;
}

/** Out of memory twice, each time with more; then given up. */
export function failedWithOom(): ScenarioSite {
  const site = emptySite();
  site.add({
    name: 'prep-3',
    source:
      'name: prep-3\ncommand: python prep.py --all\nresources: {cpu: 2, memory: 4Gi}\nretry: {max: 2}\n',
    steps: [
      step('main', {
        command: 'python prep.py --all',
        memoryBytes: 4 * GIB,
        runMs: 42_000,
        says: (s) => `read part-${String(s).padStart(5, '0')}.parquet, ${s * 83} MiB resident`,
        ends: (_, attempt) => ({ ...outOfMemory, retried: attempt < 3 }),
      }),
    ],
  });
  site.advance(180_000);
  return site;
}

/** One job of 2,000 tasks, of which some dozens fail. */
export function manyTasks(): ScenarioSite {
  const site = new ScenarioSite({ cpuMilli: 64_000, memoryBytes: 512 * GIB });
  site.add({
    name: 'embed-corpus',
    steps: [
      step('embed', {
        command: 'python embed.py --shard $BERTH_TASK_INDEX',
        tasks: 2_000,
        cpuMilli: 1_000,
        memoryBytes: 512 * MIB,
        runMs: 9_000,
        ends: (task) => (task % 41 === 7 ? { cause: 'failed', exitCode: 1 } : undefined),
      }),
    ],
  });
  site.advance(180_000);
  return site;
}

/** A shared machine on an ordinary afternoon: everything that the pages can show at once. */
export function busyLab(): ScenarioSite {
  const site = new ScenarioSite({ gpus: 4, cpuMilli: 48_000, memoryBytes: 192 * GIB });
  site.advance(1_800_000);
  site.add({
    name: 'nightly-eval',
    queue: 'prod',
    tenant: 'prod',
    steps: [step('main', { runMs: 400_000, says: epochs })],
  });
  site.add({
    name: 'prep-3',
    queue: 'research',
    steps: [step('main', { memoryBytes: 4 * GIB, runMs: 50_000, ends: () => outOfMemory })],
  });
  site.advance(120_000);
  site.add({
    name: 'train-7b',
    queue: 'research',
    tenant: 'ada',
    priority: 10,
    steps: [
      step('train', {
        command: 'torchrun train.py',
        cpuMilli: 16_000,
        gpuMilli: 4_000,
        memoryBytes: 96 * GIB,
        runMs: 7_200_000,
        says: epochs,
      }),
    ],
  });
  site.advance(480_000);
  site.add(training);
  site.advance(60_000);
  site.add({
    name: 'eval-13b',
    queue: 'research',
    tenant: 'ada',
    steps: [step('eval', { gpuMilli: 2_000, cpuMilli: 8_000, memoryBytes: 48 * GIB })],
  });
  site.add({
    name: 'tokenise',
    queue: 'dev',
    steps: [step('main', { cpuMilli: 40_000, memoryBytes: 16 * GIB })],
  });
  site.add({
    name: 'finetune-lora',
    queue: 'research',
    tenant: 'grace',
    steps: [step('tune', { gpuMilli: 2_000, cpuMilli: 4_000, memoryBytes: 32 * GIB })],
  });
  const stopped = site.add({
    name: 'sweep',
    queue: 'dev',
    steps: [step('trial', { tasks: 6, cpuMilli: 1_000, runMs: 600_000 })],
  });
  site.advance(25_000);
  void site.cancel(stopped as never);
  site.add({
    name: 'crawl-clean',
    queue: 'prod',
    tenant: 'prod',
    steps: [
      step('fetch', { runMs: 10_000 }),
      step('dedupe', { needs: ['fetch'], runMs: 20_000, tasks: 3 }),
      step('language', { needs: ['fetch'], runMs: 25_000 }),
      step('quality', { needs: ['fetch'], runMs: 45_000, tasks: 4 }),
      step('merge', { needs: ['dedupe', 'language', 'quality'] }),
      step('publish', { needs: ['merge'] }),
      step('statistics', { needs: ['merge'] }),
    ],
  });
  site.advance(45_000);
  return site;
}

/** 3,000 small jobs, most of them over. */
export function manyWorkloads(): ScenarioSite {
  const site = new ScenarioSite({ cpuMilli: 8_000 });
  for (let i = 0; i < 1_200; i++) {
    site.add({
      name: `job-${i}`,
      steps: [step('main', { cpuMilli: 1_000, memoryBytes: MIB, runMs: 2_000 })],
    });
  }
  site.advance(20_000);
  return site;
}

const changing = { cpuMilli: 1_000, memoryBytes: MIB };

/** One workload of 10,000 tasks, 6,000 of them done; of the others 500 end in each second, and as many start. */
function changingTasks(): ScenarioSite {
  const site = new ScenarioSite({ cpuMilli: 1_000_000 });
  site.add({
    name: 'embed-corpus',
    steps: [step('main', { ...changing, tasks: 10_000, runMs: 2_000 })],
  });
  site.advance(13_000);
  return site;
}

/** 10,000 workloads of one task; of the newest 1,000 in each second half end to be tried again, and half start. */
function changingWorkloads(): ScenarioSite {
  const site = new ScenarioSite({ cpuMilli: 500_000 });
  const again: Partial<ToyStep> = {
    ends: () => ({ cause: 'failed', exitCode: 75, retried: true }),
  };
  const toys = Array.from({ length: 10_000 }, (_, i) => ({
    name: `job-${i}`,
    steps: [step('main', { ...changing, runMs: 1_000, ...(i >= 9_000 && again) })],
  }));
  site.addAll(toys);
  site.advance(19_000);
  return site;
}

/** For measurements: too much to look at. */
export const heavyScenarios = { changingTasks, changingWorkloads };

export const scenarios = {
  emptySite,
  oneRunning,
  failedWithOom,
  manyTasks,
  busyLab,
  manyWorkloads,
};
