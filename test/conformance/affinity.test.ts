import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../src/model/node.ts';
import { config, queueConfig, Site } from '../builders/site.ts';
import { whereSeed } from './seed-blocks.ts';
import { machine, readBlock } from './seed-runs.ts';

const oneQueue = config([queueConfig('default')]);
const host = (id: string) => ({ 'kubernetes.io/hostname': id });
const inZone = (id: string, gpu: string, zone: string): Node =>
  machine(id, { labels: { ...host(id), gpu, zone } });

/** Jobs in one site: of each the labels and how many tasks; where their tasks went. */
function placed(
  nodes: readonly Node[],
  ...jobs: readonly { readonly labels?: string; readonly count?: number }[]
): string[][] {
  const site = new Site(oneQueue, ...nodes);
  return jobs.map(({ labels = '', count = 1 }) => {
    const { spec, warnings } = readBlock('affinity', `run: sleep 9\ncount: ${count}\n${labels}`);
    assert.deepEqual(warnings, []);
    site.submitSpec(spec);
    return site.pass().map((id) => site.engine.state.attempt(id)!.placement.node);
  });
}

test(
  '`node_affinity.required`: a node whose label `gpu` is one of the values, and no other',
  whereSeed,
  () => {
    const [none, k80, v100, a100] = [
      machine('none', { labels: host('none') }),
      inZone('k80', 'nvidia-k80', 'us-east-1a'),
      inZone('v100', 'nvidia-v100', 'eu'),
      inZone('a100', 'nvidia-a100', 'eu'),
    ];
    assert.deepEqual(placed([none, k80], {}), [[]]);
    assert.deepEqual(placed([none, k80, v100], {}), [['v100']]);
    assert.deepEqual(placed([none, k80, a100], {}), [['a100']]);
  },
);

test(
  '`node_affinity.preferred`: of those, one in either zone, and another where there is none',
  whereSeed,
  () => {
    const far = inZone('far', 'nvidia-v100', 'eu');
    for (const zone of ['us-east-1a', 'us-east-1b']) {
      assert.deepEqual(placed([far, inZone('near', 'nvidia-a100', zone)], {}), [['near']]);
    }
    assert.deepEqual(placed([far], {}), [['far']]);
  },
);

const three = ['a', 'b', 'c'].map((id) => inZone(id, 'nvidia-v100', 'us-east-1a'));

test(
  '`pod_affinity`: beside tasks with the same value of the label `pipeline`, on the same host',
  whereSeed,
  () => {
    const [first, others] = placed(
      three,
      { labels: 'labels: {pipeline: p}' },
      { labels: 'labels: {pipeline: p}', count: 5 },
    );
    assert.equal(first!.length, 1);
    assert.deepEqual(
      others,
      Array.from({ length: 5 }, () => first![0]),
    );
    // Nobody of its own kind has room left: it waits, beside hosts that are empty.
    const tight = three.map((node) => ({ ...node, cpu: 2000 as never }));
    const [two, more] = placed(
      tight,
      { labels: 'labels: {pipeline: p}', count: 2 },
      { labels: 'labels: {pipeline: p}' },
    );
    assert.deepEqual([new Set(two).size, more], [1, []]);
  },
);

test(
  '`anti_affinity`: apart from tasks that are labelled `resource_intensive`, while there is another host',
  whereSeed,
  () => {
    const heavy = 'labels: {resource_intensive: yes, pipeline: ';
    const spread = placed(
      three,
      { labels: `${heavy}p}` },
      { labels: `${heavy}q}` },
      { labels: `${heavy}r}` },
      { labels: `${heavy}s}` },
    ).flat();
    assert.equal(new Set(spread.slice(0, 3)).size, 3);
    // It is a wish: the fourth runs all the same.
    assert.equal(spread.length, 4);
    // Without the label nothing keeps them apart: all are on the host that is fullest.
    const plain = placed(
      three,
      { labels: 'labels: {pipeline: p}' },
      { labels: 'labels: {pipeline: q}' },
      { labels: 'labels: {pipeline: r}' },
    ).flat();
    assert.equal(new Set(plain).size, 1);
  },
);
