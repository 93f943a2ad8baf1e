import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { readChecked } from '../read-checked.ts';
import { renderWhatIf } from '../what-if-view.ts';
import type { World } from '../world.ts';

/** The first word after so long that it is still being looked at, and again. */
const TELL_EVERY_MS = 5_000;

export const whatif = defineCommand({
  name: 'whatif',
  group: 'Work',
  summary: 'Show what a change would do to waits, shares and money, without making it',
  details: [
    'Two copies of the live site are played forward with the run times that are expected: one as things are, one changed. Nothing of the site is touched, and nobody else is assumed to submit anything. Run times are what documents say, else what the same step took before; where neither is known, they are guessed and said to be.',
    'A key of --set is one of the site file, such as queues.train.weight or quotas[GPU-hours of ada].gpu_hours; the value is YAML, and nothing after = takes the key away. A node of --add-node is cpu=32,memory=128Gi,gpus=8,gpu_memory=80Gi,count=2, or like=NAME,count=2.',
  ],
  options: {
    set: {
      kind: 'texts',
      value: 'key=value',
      summary: 'another value in the site file; may be given several times',
    },
    policy: { kind: 'text', value: 'name', summary: 'another policy, such as fair_share or sjf' },
    addNode: { kind: 'texts', value: 'shape', summary: 'a node more; may be given several times' },
    loseNode: { kind: 'texts', value: 'name', summary: 'without this node' },
    cancel: { kind: 'texts', value: 'id', summary: 'without this job' },
    submit: { kind: 'texts', value: 'file', summary: 'with this document, submitted now' },
    window: {
      kind: 'text',
      value: 'span',
      summary: 'replay the past, such as 7d, instead of looking ahead',
    },
    jobs: { kind: 'count', value: 'n', min: 0, max: 1_000, summary: 'so many jobs (10)' },
  },
  json: 'WhatIf',
  examples: [
    'berth whatif --set queues.train.weight=3',
    'berth whatif --add-node like=node1,count=2 --policy fair_share',
    'berth whatif --lose-node node2 --submit train.yaml',
    'berth whatif --window 7d --policy sjf',
  ],
  async run({ options }, world) {
    const { set, policy, addNode, loseNode, cancel, window } = options;
    const submit: { text: string; file: string; files?: Readonly<Record<string, string>> }[] = [];
    for (const file of options.submit) {
      const { text, fileName, files } = await readChecked(file, world);
      submit.push({ text, file: fileName, ...(files && { files }) });
    }
    const asked = {
      set: [...set],
      add_nodes: [...addNode],
      lose_nodes: [...loseNode],
      cancel: [...cancel],
      submit,
      ...(policy !== undefined && { policy }),
      ...(window !== undefined && { window }),
    };
    const isEmpty = [set, addNode, loseNode, cancel, submit].every(({ length }) => length === 0);
    if (isEmpty && policy === undefined && window === undefined) {
      throw new OperationError('USAGE', 'Say what is to be different.', {
        hint: 'Such as --set queues.train.weight=3, --add-node like=node1 or --policy sjf.',
      });
    }
    const client = await world.daemons.connect();
    const answer = await telling(world, client.whatIf(asked));
    const jobs = options.jobs ?? 10;
    return { document: answer, view: (page) => renderWhatIf(answer, page, jobs), exit: EXIT.ok };
  },
});

async function telling<T>(world: World, answer: Promise<T>): Promise<T> {
  const begun = world.now();
  const timer = setInterval(() => {
    world.note(`still playing it through, ${Math.round((world.now() - begun) / 1_000)} s`);
  }, TELL_EVERY_MS);
  try {
    return await answer;
  } finally {
    clearInterval(timer);
  }
}
