import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChecklist } from '../../src/spec/checklist.ts';

const read = (text: string) => readChecklist(text, { fileName: 'p.yaml' });
const states = (text: string) =>
  Object.fromEntries(read(text).map(({ point, state }) => [point, state]));

test('a bare job leaves most points open, and says what to write', () => {
  const points = read('run: x\n');
  assert.equal(points.length, 10);
  for (const { state, advice, question } of points) {
    assert.equal(state === 'ok', advice === null);
    assert.match(question, /\?$/);
  }
  assert.deepEqual(states('run: x\n'), {
    requests: 'not',
    limits: 'not',
    autoscaling: 'ok',
    cost: 'not',
    monitoring: 'not',
    priority: 'not',
    caching: 'not',
    load: 'unknown',
    documented: 'not',
    failure: 'not',
  });
});

const cases: Record<
  string,
  [text: string, point: string, line: number | null, state: 'ok' | 'not']
> = {
  'defaults stand for every step': [
    'defaults: {resources: {cpu: 1}}\nsteps:\n  - {id: a, run: x}\n',
    'requests',
    null,
    'ok',
  ],
  'the first step that says nothing is named': [
    'steps:\n  - {id: a, run: x, resources: {cpu: 1}}\n  - {id: b, run: x}\n',
    'requests',
    3,
    'not',
  ],
  'a cost of the execution': [
    'run: x\npipeline: {resource_limits: {cost_limits: {max_cost: 5}}}\n',
    'cost',
    2,
    'ok',
  ],
  'a cost of one attempt': ['run: x\nresource_limits: {max_cost: 5}\n', 'cost', 2, 'ok'],
  'a service with a fixed number of replicas': [
    'run: x\nservice: {replicas: 2}\n',
    'autoscaling',
    2,
    'not',
  ],
  'a service that follows its load': [
    'run: x\nservice: {}\nautoscaling: {}\n',
    'autoscaling',
    3,
    'ok',
  ],
  'replicas that follow nothing': [
    'run: x\nservice: {}\nautoscaling: {enabled: false}\n',
    'autoscaling',
    2,
    'not',
  ],
  'alerts, of which none fires': ['run: x\nmonitoring: {}\n', 'monitoring', 2, 'not'],
  'classes of service, which are the site’s': ['run: x\nqos: {}\n', 'priority', null, 'not'],
  'a comment': ['run: x # what it does\n# trains the model\n', 'documented', null, 'ok'],
  retries: ['run: x\nretry: {max_retries: 2}\n', 'failure', null, 'ok'],
};
for (const [name, [text, point, line, state]] of Object.entries(cases)) {
  test(name, () => {
    const found = read(text).find((one) => one.point === point);
    assert.deepEqual([found?.state, found?.line], [state, line]);
  });
}

test('what is no job or pipeline has no list', () => {
  for (const text of ['', '- a', '{', 'a']) assert.deepEqual(read(text), []);
});
