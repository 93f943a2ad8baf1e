import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConfinementSite } from '../../src/execution/confinement.ts';
import { recordPath } from '../../src/execution/io/local/attempt-folder.ts';
import { CoreMoves } from '../../src/execution/io/local/core-moves.ts';
import { noTerms } from '../../src/execution/term-site.ts';
import type { AttemptId } from '../../src/model/ids.ts';

const attempt = '1.a.0.1' as AttemptId;

/** A tree of files in the place of cgroup v2, with one attempt in it. */
function tree(t: TestContext, ended = '') {
  const dir = mkdtempSync(join(tmpdir(), 'berth-cores-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const group = join(dir, 'cgroup', attempt);
  mkdirSync(group, { recursive: true });
  mkdirSync(join(dir, 'attempts', attempt), { recursive: true });
  writeFileSync(join(group, 'cpuset.cpus'), '');
  const record = `start\t${attempt}\tboot=x\tdir=all:${group}\ntask\t${attempt}\tpid=1\n${ended}`;
  writeFileSync(recordPath(join(dir, 'attempts'), attempt), record);
  const parent = join(dir, 'cgroup');
  const site: ConfinementSite = {
    driver: 'cgroup-v2',
    parent,
    controllers: ['cpu'],
    swap: false,
    notes: [],
    terms: { ...noTerms, groups: { cpuset: parent }, cpus: [0, 1, 2, 3], memoryNodes: [0] },
  };
  const cpus = (): string => readFileSync(join(group, 'cpuset.cpus'), 'utf8');
  return { attempts: join(dir, 'attempts'), site, cpus };
}

test('in cgroup v2 its own group is written anew, and back to all', (t) => {
  const { attempts, site, cpus } = tree(t);
  const moves = new CoreMoves(attempts, site);
  assert.equal(moves.keepTo(attempt, [0, 2, 3]), undefined);
  assert.equal(cpus(), '0,2-3');
  assert.equal(moves.keepTo(attempt, undefined), undefined);
  assert.equal(cpus(), '0-3');
});

test('what has ended, and what is not known, is left alone', (t) => {
  const { attempts, site, cpus } = tree(t, 'ended\t1.a.0.1\tcause=succeeded\n');
  const moves = new CoreMoves(attempts, site);
  assert.equal(moves.keepTo(attempt, [1]), undefined);
  assert.equal(moves.keepTo('2.a.0.1' as AttemptId, [1]), undefined);
  assert.equal(cpus(), '');
});

test('without groups for CPUs it says so', (t) => {
  const { attempts, site } = tree(t);
  const moves = new CoreMoves(attempts, { ...site, terms: noTerms });
  assert.match(moves.keepTo(attempt, [1]) ?? '', /no groups/);
});
