import { baselineGenerator } from './kueue-generator.ts';

const table = (...lines: string[]): string => `${lines.join('\n')}\n`;

/** A small file of each format of the registry, in its order. */
export const samples: Readonly<Record<string, string>> = {
  openb: table(
    'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time',
    'pod-0,12000,16384,1,1000,,LS,Running,0,12537496,0',
    'pod-1,6000,12288,1,460,V100M16|V100M32,LS,Failed,427061,12902960,427061',
    'pod-2,6000,12288,0,0,,BE,Pending,427061,12902960,',
  ),
  tiresias: table(
    'job_id,num_gpu,submit_time,iterations,model_name,duration,interval',
    '0,1,0,606,vgg19,164,30',
    '1,8,30,133,vgg11,147,23',
  ),
  sacct: table(
    'JobID|JobName|User|State|Submit|Start|End|Elapsed|Timelimit|ReqTRES|AllocTRES',
    '7|train|ada|COMPLETED|2026-01-01T00:00:00|2026-01-01T00:00:05|2026-01-01T01:00:05|01:00:00|1-00:00:00|cpu=8,gres/gpu:a100=2,mem=64G,node=2|',
    '7.batch|batch||COMPLETED|2026-01-01T00:00:05|||01:00:00|||cpu=8,mem=64G',
    '8_1|sweep|ben|TIMEOUT|2026-01-01T00:00:00|||00:10:02|00:10:00||billing=1,cpu=1,mem=500M,node=1',
  ),
  'kueue-generator': baselineGenerator
    .replace('count: 350', 'count: 3')
    .replace('count: 100', 'count: 2'),
  'kubernetes-pods': table(
    'apiVersion: v1',
    'kind: List',
    'items:',
    '- apiVersion: v1',
    '  kind: Pod',
    '  metadata: {name: train-1, namespace: vision, creationTimestamp: "2026-03-01T10:00:00Z"}',
    '  spec:',
    '    priority: 100',
    '    containers: [{resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {nvidia.com/gpu: "1"}}}]',
    '  status:',
    '    phase: Succeeded',
    '    conditions: [{type: PodScheduled, status: "True", lastTransitionTime: "2026-03-01T10:00:05Z"}]',
    '    containerStatuses: [{state: {terminated: {finishedAt: "2026-03-01T11:00:05Z"}}}]',
    '- apiVersion: v1',
    '  kind: Pod',
    '  metadata: {name: train-2, creationTimestamp: "2026-03-01T10:00:00Z"}',
    '  spec: {containers: []}',
    '  status: {phase: Pending}',
  ),
  swf: table(
    '; Version: 2.2',
    '; MaxProcs: 100',
    '   15   599850 192180   3477    4     -1    -1    4  53940    -1  1  12  12  -1 -1 -1 -1 -1',
    '   16   600022  11940   2488   25   1.5    -1   25   3600    -1  1  13  13  -1 -1 -1 -1 -1',
    '   17   600476 364560      0    5     -1    -1    5 215400    -1  0  14  14  -1 -1 -1 -1 -1',
  ),
};
