import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptDocument, WorkloadDocument } from '../../src/api/contract/documents.ts';
import { berth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { settledLeftovers } from '../builders/leftovers.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const AGENTS = 131;
const KILLED = 20;
const example = new URL('../../examples/agents.yaml', import.meta.url);

test(`${AGENTS} agents are kept alive, updated one after the other, and leave nothing behind`, {
  skip: skipSystem,
  timeout: 580_000,
}, async (t) => {
  const { dir, state } = scratchState(t);
  const file = join(dir, 'agents.yaml');
  const text = readFileSync(example, 'utf8');
  writeFileSync(file, text);
  let daemon: ChildProcess | undefined;
  const look = async (id: string): Promise<readonly AttemptDocument[]> =>
    alive((await berth(state, 'wait', id, '--ready', '--timeout', '110s')) as WorkloadDocument);
  try {
    daemon = await up(state);
    const { id } = await berth(state, 'submit', file);
    const first = await look(id);
    assert.equal(first.length, AGENTS);
    assert.equal(new Set(first.map(({ ports }) => ports!['http'])).size, AGENTS);
    for (const { ports } of first.slice(0, 5)) {
      const answer = await fetch(`http://127.0.0.1:${ports!['http']}/`);
      assert.equal(await answer.text(), 'ok\n');
    }

    for (const { pid } of first.slice(0, KILLED)) process.kill(pid!, 'SIGKILL');
    const again = await eventually(() => look(id), first.slice(0, KILLED));
    assert.equal(again.filter(({ number }) => number === 2).length, KILLED);

    await kill(daemon);
    daemon = await up(state);
    const adopted = await look(id);
    assert.deepEqual(adopted.map(({ pid }) => pid).sort(), again.map(({ pid }) => pid).sort());

    writeFileSync(file, text.replace('priority: 10', 'priority: 11'));
    await berth(state, 'update', id, file);
    const done = new AbortController();
    const least = leastReady(state, id, done.signal);
    let updated = await look(id);
    while (updated.some((attempt) => !attempt.task.includes('.agents-r2.'))) {
      updated = await look(id);
    }
    done.abort();
    assert.equal(updated.length, AGENTS);
    const lost = AGENTS - (await least);
    t.diagnostic(`at most ${lost} of ${AGENTS} were not ready during the update`);
    assert.ok(lost <= Math.floor(AGENTS / 10));

    await berth(state, 'cancel', id);
    const ended = await berth(state, 'wait', id);
    assert.equal(ended.status, 'cancelled');
    await berth(state, 'down');
    assert.deepEqual(await settledLeftovers(state), []);
  } finally {
    if (daemon !== undefined) await kill(daemon);
  }
});

const alive = ({ steps }: WorkloadDocument): AttemptDocument[] =>
  steps.flatMap(({ attempts }) => attempts).filter(({ ready }) => ready === true);

/** The replicas once none of those is among them. */
async function eventually(
  look: () => Promise<readonly AttemptDocument[]>,
  gone: readonly AttemptDocument[],
): Promise<readonly AttemptDocument[]> {
  const ids = new Set(gone.map(({ id }) => id));
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (!found.some(({ id }) => ids.has(id)) && found.length === AGENTS) return found;
    assert.ok(tries < 100, 'those that were killed come back');
    await delay(500);
  }
}

/** The fewest that were ready at once, as seen from outside. */
async function leastReady(state: string, id: string, signal: AbortSignal): Promise<number> {
  let least = AGENTS;
  while (!signal.aborted) {
    const { workloads } = await berth(state, 'ps');
    const found = workloads.find((workload: { id: string }) => workload.id === String(id));
    least = Math.min(least, found.replicas.ready);
  }
  return least;
}
