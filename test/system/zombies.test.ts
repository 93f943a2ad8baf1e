import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { kill, Rig, until } from '../execution/rig.ts';

const options = { skip: skipSystem, timeout: 120_000 };
const ZOMBIES = 5_000;
const DAEMONS = 1_000;
const unreaped = `perl -e 'for (1 .. ${ZOMBIES}) { my $p = fork // exit 9; exit 0 if !$p } print "left"; exit 5'`;
const daemons = `perl -e 'for (1 .. ${DAEMONS}) { my $p = fork // exit 9; if (!$p) { fork and exit 0; setpgrp; sleep 600; exit } waitpid $p, 0 } print "left"; exit 5'`;

for (const enforcement of ['auto', 'unprivileged'] as const) {
  for (const [what, run] of [
    [`${ZOMBIES} children that nobody waited for`, unreaped],
    [`${DAEMONS} daemons forked twice`, daemons],
  ] as const) {
    test(
      `${enforcement}: ${what} are reaped, and the end is the task's own`,
      options,
      async (t) => {
        const rig = await new Rig(t, { enforcement }).open();
        const began = performance.now();
        rig.start(1, { run, limits: { wallMs: spanMs(45_000) } });
        await untilEnded(rig);
        const end = await rig.ended(1);
        const tookMs = performance.now() - began;
        assert.deepEqual([end.cause, end.exitCode, rig.log(1)], ['failed', 5, 'left'], end.message);
        assert.deepEqual(rig.taskPids(), []);
        const own = new Set(rig.ownPids());
        assert.deepEqual(zombies(own), []);
        assert.ok(tookMs < 45_000, `${tookMs} ms`);
        t.diagnostic(`${what}: all gone after ${Math.round(tookMs)} ms`);
      },
    );
  }
}

test(
  'zombies of a task that goes on end with it, when its shim is killed too',
  options,
  async (t) => {
    const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
    rig.start(1, {
      run: `perl -e '$| = 1; for (1 .. 1000) { my $p = fork // exit 9; exit 0 if !$p } print "up"; sleep 60'`,
    });
    await rig.printed(1, 'up');
    kill(rig.shimPid(1));
    assert.equal((await rig.ended(1)).cause, 'lost');
    assert.deepEqual(rig.taskPids(), []);
    // Who buried it tells of the end, and ends itself a moment later.
    const own = new Set(rig.ownPids());
    await until('no zombie is left', () => zombies(own).length === 0 || undefined);
  },
);

/** A minute, where the rig waits a quarter of it. */
async function untilEnded(rig: Rig): Promise<void> {
  for (let tries = 0; tries < 600 && !rig.reports.some((r) => r.kind === 'ended'); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Children of these that ended and were not waited for. */
function zombies(parents: ReadonlySet<number>): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = read(`/proc/${pid}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' && parents.has(Number(parent)) ? [pid] : [];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
