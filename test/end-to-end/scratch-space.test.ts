import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

test('two jobs whose peaks would meet are staggered by their phases, and why says when', {
  timeout: 120_000,
}, async (t) => {
  const { state, write } = scratchState(t);
  const site = write('site.yaml', 'storage:\n  scratch: 100Mi\n');
  const up = ['up', '-d', '--port', '0', '--site', site, '--state', state];
  const started = await runBerth(up);
  assert.equal(started.code, 0, started.stderr);
  const job = (name: string, first: string) =>
    write(
      `${name}.yaml`,
      `name: ${name}
run: sleep 0.2
resources: {cpu: 0.1, memory: 32Mi}
storage:
  temp_storage:
    phases:
      - {name: tables, size: ${first}, for: 3s}
      - {name: copy, size: 20Mi}
`,
    );
  const long = job('long', '60Mi');
  const { id: first } = await berth(state, 'submit', write('first.yaml', LONG));
  const { id: second } = await berth(state, 'submit', long);
  const why = await berth(state, 'why', second);
  assert.equal(why.steps[0].reasons[0].code, 'scratch-space');
  assert.match(
    why.sentence,
    /its scratch needs 60 MiB at its peak: begun now, 20 MiB more than the 100 MiB of .* it can start in [0-9.]+m?s/,
  );
  const ended = await berth(state, 'wait', second);
  assert.equal(ended.status, 'succeeded');
  const before = (await berth(state, 'wait', first)).steps[0].attempts[0];
  const [attempt] = ended.steps[0].attempts;
  const late = attempt.placed_at - before.placed_at;
  t.diagnostic(`placed ${late} ms after the first, whose phase lasts 3,000`);
  assert.ok(late >= 3_000 && attempt.placed_at < before.ended_at, `${late}`);
  const refused = await runBerth(['submit', job('huge', '101Mi'), '--state', state]);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /101 MiB scratch/);
});

const LONG = `name: first
run: sleep 8
resources: {cpu: 0.1, memory: 32Mi}
storage:
  temp_storage:
    phases:
      - {name: tables, size: 60Mi, for: 3s}
      - {name: copy, size: 20Mi}
`;

test('examples/plots.yaml: three plots, staggered by two seconds, on a disk for one peak and a rest', {
  timeout: 120_000,
}, async (t) => {
  const { state, write } = scratchState(t);
  const site = write('site.yaml', 'storage:\n  scratch: 100Mi\n');
  assert.equal(
    (await runBerth(['up', '-d', '--port', '0', '--site', site, '--state', state])).code,
    0,
  );
  const example = new URL('../../examples/plots.yaml', import.meta.url).pathname;
  const { id } = await berth(state, 'submit', example);
  const ended = await berth(state, 'wait', id);
  assert.equal(ended.status, 'succeeded');
  const { attempts } = ended.steps[0];
  const placed = attempts.map((one: { placed_at: number }) => one.placed_at).sort();
  const gaps = [placed[1] - placed[0], placed[2] - placed[1]];
  t.diagnostic(`begun ${gaps.join(' and ')} ms apart`);
  assert.ok(
    gaps.every((ms) => ms >= 2_000),
    gaps.join(),
  );
  const [term] = attempts[0].terms ?? attempts[0].enforced?.terms ?? [];
  assert.equal(term?.term, 'scratch');
});
