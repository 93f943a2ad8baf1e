import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import type { Client } from '../../src/cli/client.ts';
import { openClient } from '../../src/cli/io/open-client.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { errorsOf, kill, spawnDaemon } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const SUBMISSIONS = 240;
const KILLS = 16;
const SUBMITTERS = 6;
const QUEUES = ['plain', 'packed'] as const;
const seed = Number(process.env['SEED'] ?? 7);

test(`${SUBMISSIONS} submissions to queues of 20 while the daemon is killed ${KILLS} times: none is lost, none runs twice, order is kept`, {
  skip: skipSystem,
  timeout: 540_000,
}, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const witness = scratch.write('witness', '');
  const site = scratch.write(
    'site.yaml',
    'queues:\n  plain: {max_size: 20, guaranteed_processing: true}\n  packed: {max_size: 20, overflow_policy: compress}\n',
  );
  const client = openClient(() =>
    Promise.resolve({ kind: 'socket', path: join(state, 'berth.sock') }),
  );
  t.after(() => client.close());
  const go = join(scratch.dir, 'go');
  const flood = new Flood(client, { witness, go });
  const prng = new Prng(seed);
  let daemon = await start(client, state, site);
  let whileSpilled = 0;
  /** Soon after an answer, wherever that finds the two files. */
  const killSome = async (kills: number, submissions: number): Promise<void> => {
    const submitters = Array.from({ length: SUBMITTERS }, () => flood.submitUpTo(submissions));
    for (let killed = 0; killed < kills; killed++) {
      await flood.another(prng.between(1, SUBMISSIONS / KILLS), submissions);
      await delay(prng.between(0, 40));
      assert.equal(daemon.exitCode, null, `runs until it is killed: ${errorsOf(daemon)}`);
      await kill(daemon);
      daemon = await start(client, state, site);
      const { queues } = await client.queues();
      if (queues[0]!.spilled.submissions > 0) whileSpilled++;
    }
    await Promise.all(submitters);
  };
  try {
    // While nothing ends; then, while those that wait are let in among new ones.
    await killSome(KILLS / 2, SUBMISSIONS / 2);
    writeFileSync(go, '');
    await killSome(KILLS / 2, SUBMISSIONS);
    await empty(client);
    await check(t, client, flood, witness);
    t.diagnostic(`${KILLS} kills, ${whileSpilled} of them while submissions waited on disk`);
    assert.ok(whileSpilled >= KILLS / 4, `${whileSpilled} kills found something on disk`);
  } finally {
    await kill(daemon);
  }
  assertOrder(join(state, 'journal.db'));
});

/** Submitters that go on over the ends of daemons. What was not answered is not asked again: nobody knows of it. */
class Flood {
  readonly #client: Client;
  readonly #files: { readonly witness: string; readonly go: string };
  /** By id, the number of the submission. */
  readonly answered = new Map<string, number>();
  readonly spilled = new Set<string>();
  unanswered = 0;
  #next = 0;
  #waiters: (() => void)[] = [];

  constructor(client: Client, files: { readonly witness: string; readonly go: string }) {
    this.#client = client;
    this.#files = files;
  }

  async submitUpTo(submissions: number): Promise<void> {
    const { witness, go } = this.#files;
    while (this.answered.size < submissions) {
      const number = this.#next++;
      const queue = QUEUES[number % QUEUES.length]!;
      const document = {
        name: `n${number}`,
        queue,
        run: `until [ -e ${go} ]; do sleep 0.2; done; echo ${number} >> ${witness}`,
        resources: { cpu: 0.4, memory: '32Mi' },
      };
      try {
        const { id, spilled } = await this.#client.submit({
          text: JSON.stringify(document),
          fileName: 'n.json',
          cwd: '/',
        });
        assert.ok(!this.answered.has(id), `id ${id} is given once`);
        this.answered.set(id, number);
        if (spilled !== undefined) this.spilled.add(id);
      } catch (error) {
        assert.ok(isDown(error), String(error));
        this.unanswered++;
        await answering(this.#client);
      }
      for (const resolve of this.#waiters.splice(0)) resolve();
    }
  }

  /** So many more answers, or all that there are to come. */
  async another(answers: number, submissions: number): Promise<void> {
    const wanted = Math.min(submissions, this.answered.size + answers);
    while (this.answered.size < wanted) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}

const isDown = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'DAEMON_DOWN';

async function answering(client: Client): Promise<void> {
  for (let tries = 0; ; tries++) {
    const isUp = await client.status().then(
      () => true,
      () => false,
    );
    if (isUp) return;
    assert.ok(tries < 1_200, 'the daemon comes back');
    await delay(50);
  }
}

async function start(client: Client, state: string, site: string): Promise<ChildProcess> {
  const daemon = spawnDaemon(state, '--site', site);
  for (let tries = 0; ; tries++) {
    const status = await client.status().catch(() => undefined);
    if (status?.pid === daemon.pid) return daemon;
    assert.ok(tries < 600 && daemon.exitCode === null, `the daemon comes up: ${errorsOf(daemon)}`);
    await delay(50);
  }
}

async function empty(client: Client): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { total } = await client.workloads({ state: 'active', limit: 1, offset: 0 });
    if (total === 0) return;
    assert.ok(tries < 1_200, `${total} are left after two minutes`);
    await delay(100);
  }
}

async function check(
  t: { diagnostic(message: string): void },
  client: Client,
  flood: Flood,
  witness: string,
): Promise<void> {
  const ran = readFileSync(witness, 'utf8').trim().split('\n').map(Number);
  assert.equal(new Set(ran).size, ran.length, 'nothing ran twice');
  const seen = new Set(ran);
  const lost = [...flood.answered].filter(([, number]) => !seen.has(number));
  assert.deepEqual(lost, [], 'nothing that was answered is lost');
  for (const id of flood.answered.keys()) {
    const { status, steps } = await client.workload(id);
    assert.deepEqual([id, status, steps[0]!.attempts.length], [id, 'succeeded', 1]);
  }
  const { queues } = await client.queues();
  assert.equal(queues[0]!.spilled.submissions, 0, 'nothing is left on disk');
  const answered = `${flood.answered.size} of ${flood.answered.size} answered submissions survived`;
  const beside = `${ran.length - flood.answered.size} of ${flood.unanswered} unanswered ones ran, once`;
  t.diagnostic(`${answered}, ${flood.spilled.size} of them by way of the disk; ${beside}`);
  assert.ok(flood.spilled.size > SUBMISSIONS / 4, `${flood.spilled.size} waited on disk`);
}

/** In each queue, ids entered in the order in which they were given. */
function assertOrder(file: string): void {
  using journal = openJournal({ file });
  const last = new Map<string, number>();
  let [entered, spilled] = [0, 0];
  for (const { event } of journal.readFrom(1)) {
    if (event.kind === 'workload-spilled') spilled++;
    if (event.kind !== 'workload-submitted') continue;
    const { queue } = event.spec;
    const id = Number(event.workload);
    assert.ok(id > (last.get(queue) ?? 0), `${id} enters ${queue} after ${last.get(queue)}`);
    last.set(queue, id);
    entered++;
  }
  assert.ok(entered >= SUBMISSIONS && spilled > 0, `${entered} entered, ${spilled} were spilled`);
}
