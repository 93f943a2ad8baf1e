import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { WorkloadDocument } from '../../src/api/contract/documents.ts';
import { type Finished, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

/** Runs what asks for GPUs without any; as a lab with a laptop would. */
export const onCpu = 'scheduling: {gpu_absent: cpu}\n';

export interface RealRun extends WorkloadDocument {
  /** What the first task of its first step wrote to stdout. */
  readonly log: string;
  /** What was told on stderr while it ran. */
  readonly told: string;
  readonly state: string;
  readonly berth: (...args: readonly string[]) => Promise<Finished>;
}

/** The document on a daemon of its own, with real processes, to its end, which must be a success. */
export async function realRun(
  t: TestContext,
  text: string,
  { site = onCpu, args = [] }: { readonly site?: string; readonly args?: readonly string[] } = {},
): Promise<RealRun> {
  const scratch = scratchState(t);
  const { state } = scratch;
  const berth = (...given: readonly string[]) => runBerth([...given, '--state', state]);
  const up = await berth('up', '-d', '--port', '0', '--site', scratch.write('site.yaml', site));
  assert.equal(up.code, 0, up.stderr);
  const file = scratch.write('block.yaml', text);
  const done = await berth('run', file, '--json', ...args);
  assert.equal(done.code, 0, done.stderr);
  const document = JSON.parse(done.stdout) as WorkloadDocument;
  assert.equal(document.status, 'succeeded');
  const [step] = document.steps;
  const log = await berth('logs', `${document.id}.${step!.id}.0`);
  return { ...document, log: log.stdout, told: done.stderr, state, berth };
}
