import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openb, readOpenbNodes, readOpenbPods } from '../../../src/simulation/traces/openb.ts';
import { detectFormat } from '../../../src/simulation/traces/registry.ts';
import { readClusterSpec, tiresias } from '../../../src/simulation/traces/tiresias.ts';
import { traceSource, withoutTrace } from '../../builders/trace-data.ts';
import { node } from '../../builders/workload.ts';

const head =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';
const pods = (...rows: string[]) => ({ file: 'pods.csv', text: [head, ...rows, ''].join('\n') });

test('openb: pods hold what they ask for from when they were scheduled', () => {
  const found = openb.read(
    [
      pods(
        'b,6000,12288,1,460,T4|P100,LS,Running,20,120,25',
        'a,1000,1024,2,1000,,BE,Failed,10,40,10',
        'c,1000,1024,0,0,,BE,Succeeded,30,31,30.5',
      ),
    ],
    {},
  );
  assert.ok(found.ok);
  assert.deepEqual(
    [...found.trace.jobs].map(({ id, at, runMs, spec, truth }) => [
      id,
      at,
      runMs,
      spec.steps[0]!.request.cpu,
      spec.steps[0]!.request.memory / 1024 ** 2,
      spec.steps[0]!.request.gpu,
      spec.steps[0]!.constraints?.gpuModels,
      truth?.({ step: 'main', index: 0, attempt: 1 }).outcome,
    ]),
    [
      ['a', 10_000, 30_000, 1_000, 1_024, 2_000, undefined, 'failed'],
      ['b', 20_000, 95_000, 6_000, 12_288, 460, ['T4', 'P100'], undefined],
      ['c', 30_000, 500, 1_000, 1_024, 0, undefined, undefined],
    ],
  );
});

test('openb: a pod that never ran is left out, and a row that is none is counted', () => {
  const found = openb.read(
    [
      pods(
        'a,1000,1024,1,1000,,LS,Pending,10,40,',
        'b,1000,1024,1,1000,,LS,Running,10,40,20',
        'c,1000,1024,1,1000,,LS,Running,10,20,20',
        'd,x,1024,1,1000,,LS,Running,10,20,20',
      ),
    ],
    {},
  );
  assert.ok(found.ok);
  assert.deepEqual(
    [...found.trace.jobs].map(({ id }) => id),
    ['b'],
  );
  assert.deepEqual(found.trace.skipped, [
    { why: 'never scheduled', count: 1, line: 2 },
    { why: 'no run time', count: 1, line: 4 },
    { why: 'not what a pod asks for', count: 1, line: 5 },
  ]);
});

test('openb: a table without a column says which', () => {
  const found = openb.read([{ file: 'p.csv', text: 'name,cpu_milli\nx,1\n' }], {});
  assert.ok(!found.ok);
  assert.match(found.issues[0]!.message, /no column `memory_mib`/);
});

const openbFiles = ['openb/openb_pod_list_default.csv', 'openb/openb_node_list_gpu_node.csv'];
test('a list of nodes is told by its content, too, and says that jobs are missing', () => {
  const lists = {
    openb: 'sn,cpu_milli,memory_mib,gpu,model\na,1000,1,0,\n',
    tiresias: 'num_switch,num_node_p_switch,num_gpu_p_node,num_cpu_p_node,mem_p_node\n1,1,4,8,16\n',
  };
  for (const [name, text] of Object.entries(lists)) {
    const format = detectFormat('list.csv', text);
    assert.equal(format?.name, name);
    const found = format!.read([{ file: 'list.csv', text }], {});
    assert.ok(!found.ok);
    assert.match(found.issues[0]!.message, /it has nodes, and no jobs/);
  }
});

test('openb: the published cluster and its pods', { skip: withoutTrace(openbFiles[0]!) }, () => {
  const [podList, nodeList] = openbFiles.map(traceSource);
  const nodes = readOpenbNodes(nodeList!);
  assert.ok(nodes.ok);
  const devices = nodes.nodes.flatMap(({ gpus }) => gpus);
  const shapes = nodes.nodes.map(
    ({ cpu, memory, gpus }) => `${cpu} ${memory} ${gpus.length} ${gpus[0]?.model}`,
  );
  assert.deepEqual(
    {
      nodes: nodes.nodes.length,
      gpus: devices.length,
      cpus: nodes.nodes.reduce((sum, { cpu }) => sum + cpu, 0) / 1000,
      shapes: new Set(shapes).size,
      models: new Set(devices.map(({ model }) => model)).size,
    },
    { nodes: 1_213, gpus: 6_212, cpus: 107_018, shapes: 15, models: 7 },
  );
  const listed = readOpenbPods(podList!);
  assert.ok(listed.ok);
  const sizes: Record<string, number> = {};
  for (const { request } of listed.pods) {
    const size =
      request.gpu === 0 ? 'none' : request.gpu <= 1000 ? 'one' : String(request.gpu / 1000);
    sizes[size] = (sizes[size] ?? 0) + 1;
  }
  assert.deepEqual(sizes, { none: 1_088, one: 6_989, 2: 16, 4: 15, 8: 44 });
  const found = openb.read([nodeList!, podList!], {});
  assert.ok(found.ok);
  assert.equal(found.trace.count, 8_152 - 897);
  assert.deepEqual(
    found.trace.skipped.map(({ why, count }) => [why, count]),
    [['never scheduled', 897]],
  );
  assert.equal(found.trace.nodes!.length, 1_213);
});

const jobHead = 'job_id,num_gpu,submit_time,iterations,model_name,duration,interval';
const jobs = (...rows: string[]) => ({ file: 'jobs.csv', text: [jobHead, ...rows].join('\n') });

test('Tiresias: what no node has is a gang over several', () => {
  const found = tiresias.read(
    [
      jobs('0,8,30,133,vgg11,147,23', '1,1,0,606,vgg19,164,30', '2,6,40,1,vgg19,0,1'),
      {
        file: 'cluster.csv',
        text: 'num_switch,num_node_p_switch,num_gpu_p_node,num_cpu_p_node,mem_p_node\n2,2,4,128,254',
      },
    ],
    {},
  );
  assert.ok(found.ok);
  assert.deepEqual(
    [...found.trace.jobs].map(
      ({
        id,
        at,
        runMs,
        spec: {
          name,
          steps: [step],
        },
      }) => [id, at, runMs, name, step!.count, step!.gangMin, step!.request.gpu],
    ),
    [
      ['1', 0, 164_000, 'vgg19', 1, undefined, 1_000],
      ['0', 30_000, 147_000, 'vgg11', 2, 2, 4_000],
    ],
  );
  assert.deepEqual(
    found.trace.nodes!.map(({ id, cpu, memory, gpus, labels }) => [
      id,
      cpu,
      memory / 1024 ** 3,
      gpus.length,
      labels['switch'],
    ]),
    [
      ['node-0', 128_000, 254, 4, '0'],
      ['node-1', 128_000, 254, 4, '0'],
      ['node-2', 128_000, 254, 4, '1'],
      ['node-3', 128_000, 254, 4, '1'],
    ],
  );
  assert.deepEqual(found.trace.skipped, [{ why: 'no run time', count: 1, line: 4 }]);
});

test('Tiresias: on the nodes that are given, what is larger than all of them is left out', () => {
  const options = { nodes: [node('a', { gpus: 4 }), node('b', { gpus: 2 })] };
  const found = tiresias.read([jobs('0,8,30,133,vgg11,147,23', '1,6,0,606,vgg19,164,30')], options);
  assert.ok(found.ok);
  assert.deepEqual(
    [...found.trace.jobs].map(({ id }) => id),
    ['1'],
  );
  assert.deepEqual(found.trace.skipped, [{ why: 'larger than the machine', count: 1, line: 2 }]);
});

/** The column `duration`, added up. */
const RUN_S = 10_705;
test('Tiresias: the published jobs and clusters', {
  skip: withoutTrace('tiresias/60_job.csv'),
}, () => {
  const found = tiresias.read(
    [traceSource('tiresias/60_job.csv'), traceSource('tiresias/n32g4.csv')],
    {},
  );
  assert.ok(found.ok);
  assert.equal(found.trace.count, 60);
  assert.deepEqual(found.trace.skipped, []);
  assert.equal(found.trace.nodes!.length, 32);
  const all = [...found.trace.jobs];
  assert.equal(
    all.reduce((sum, { runMs }) => sum + runMs, 0),
    RUN_S * 1000,
  );
  const small = readClusterSpec(traceSource('tiresias/cluster_spec.csv'));
  assert.ok(small.ok);
  assert.deepEqual(
    [small.nodes.length, small.nodes[0]!.cpu, small.nodes[0]!.gpus.length],
    [16, 128_000, 4],
  );
});
