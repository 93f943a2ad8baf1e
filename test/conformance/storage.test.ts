import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

const small = 'resources: {cpu: 50m, memory: 64Mi}\n';
const script = (lines: readonly string[]): string =>
  `run: |\n${lines.map((line) => `  ${line}\n`).join('')}`;

async function ran({ state }: Scratch, text: string) {
  const done = await runBerth(['run', '-', '--json', '--state', state], { stdin: text });
  return JSON.parse(done.stdout);
}

async function daemonOf(t: Parameters<typeof scratchState>[0] & object, site: string) {
  const scratch = scratchState(t);
  process.env['BERTH_SITE'] = scratch.write('site.yaml', site.replaceAll('DIR', scratch.dir));
  const daemon = await up(scratch.state);
  t.after(async () => {
    delete process.env['BERTH_SITE'];
    await kill(daemon);
  });
  return scratch;
}

test(
  'of a site: its volumes are used by name, and every task has its scratch',
  whereSeed,
  async (t) => {
    const scratch = await daemonOf(t, seedBlock('storage'));
    const { state } = scratch;
    const first = await ran(
      scratch,
      `${small}storage: {volumes: [pipeline-data, model-cache]}\n` +
        script([
          'echo data > "$BERTH_VOLUME_PIPELINE_DATA/a"',
          'echo model > "$BERTH_VOLUME_MODEL_CACHE/b"',
          'echo x > "$BERTH_SCRATCH/x"',
          'echo "where=$BERTH_VOLUME_PIPELINE_DATA" > "$BERTH_WORKDIR/where"',
        ]),
    );
    assert.equal(first.status, 'succeeded', JSON.stringify(first));
    // The block names no folders of its classes: they lie in the state folder.
    const volumes = join(state, 'volumes');
    assert.equal(readFileSync(join(volumes, 'pipeline-data', 'a'), 'utf8'), 'data\n');
    assert.equal(readFileSync(join(volumes, 'model-cache', 'b'), 'utf8'), 'model\n');
    const where = readFileSync(join(state, 'work', first.id, 'where'), 'utf8').trim();
    assert.ok([`where=/data`, `where=${join(volumes, 'pipeline-data')}`].includes(where), where);
    // cleanup_policy: immediate.
    assert.deepEqual(readdirSync(join(state, 'scratch')), []);
    const terms = first.steps[0].attempts[0].terms ?? first.steps[0].attempts[0].enforced.terms;
    const held = terms.find(({ term }: { term: string }) => term === 'scratch');
    assert.match(held.note, /^20480 MiB, .*cleanup immediate$/);

    const second = await ran(
      scratch,
      `${small}storage: {volumes: [pipeline-data]}\nrun: grep -q data "$BERTH_VOLUME_PIPELINE_DATA/a"\n`,
    );
    assert.equal(second.status, 'succeeded', 'it outlives the workload');
    const plain = await ran(scratch, `${small}run: test -d "$BERTH_SCRATCH"\n`);
    assert.equal(plain.status, 'succeeded', 'temp_storage is that of every task');

    const wrong = await runBerth(['submit', '-', '--state', state], {
      stdin: `${small}storage: {volumes: [pipeline-dat]}\nrun: "true"\n`,
    });
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /stdin:2:21 error: .*the site has no volume "pipeline-dat"/);
  },
);

test(
  'of a document: volumes lie in the folders of their classes, and have their sizes',
  whereSeed,
  async (t) => {
    const scratch = await daemonOf(t, 'storage: {classes: {ssd: DIR/ssd, nvme: DIR/nvme}}\n');
    const { dir, state } = scratch;
    mkdirSync(join(dir, 'ssd'), { recursive: true });
    mkdirSync(join(dir, 'nvme'), { recursive: true });
    const block = seedBlock('storage');
    const done = await ran(
      scratch,
      `${block}${small}${script([
        'echo data > "$BERTH_VOLUME_PIPELINE_DATA/a"',
        'echo model > "$BERTH_VOLUME_MODEL_CACHE/b"',
        'echo x > "$TMPDIR/x"',
      ])}`,
    );
    assert.equal(done.status, 'succeeded', JSON.stringify(done));
    assert.ok(existsSync(join(dir, 'ssd', 'pipeline-data', 'a')));
    assert.ok(existsSync(join(dir, 'nvme', 'model-cache', 'b')));
    assert.deepEqual(readdirSync(join(state, 'scratch')), []);

    // The block with a size that is outgrown: who does is ended, and nobody starts until there is room.
    const tiny = `${block.replace('size: "100Gi"', 'size: "2Mi"')}${small}`;
    const fills = await ran(
      scratch,
      `${tiny}${script(['head -c 6000000 /dev/zero > "$BERTH_VOLUME_PIPELINE_DATA/c"', 'sleep 60'])}`,
    );
    assert.equal(fills.steps[0].attempts[0].cause, 'disk-exceeded');
    const late = await ran(scratch, `${tiny}run: "true"\n`);
    assert.equal(late.steps[0].attempts[0].cause, 'start-failed');
    assert.match(
      late.steps[0].attempts[0].message,
      /pipeline-data holds 6 MiB of 2 MiB: make room/,
    );
    const large = await runBerth(['submit', '-', '--state', state], {
      stdin: `${block.replace('size: "100Gi"', 'size: "7000Ti"')}${small}run: "true"\n`,
    });
    assert.match(large.stderr, /of the disk of the class ssd are promised/);
  },
);
