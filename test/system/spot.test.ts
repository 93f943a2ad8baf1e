import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const site = `compute:
  labels: {spot: true, instance-type: g5}
  spot_instances:
    enabled: true
    percentage: 70
    fallback:
      on_interruption: "checkpoint_and_retry"
      max_price_increase: 2.0
    suitable_tasks: [batch_processing]
`;
const prices = `prices:
  - valid_from: "2026-01-01"
    cpu_hour: 36
    memory_gib_hour: 0
`;

/** Counts to 60, ten a second; on USR1 it saves where it is and ends, and begins there the next time. */
const counter = `exec perl -e '
  $| = 1;
  my ($dir, $n) = ($ENV{BERTH_CHECKPOINT_DIR}, 0);
  if ($ENV{BERTH_RESUMED}) { open my $f, "<", "$dir/n" or die; $n = <$f> + 0; print "resumed at $n\\n" }
  $SIG{USR1} = sub { open my $f, ">", "$dir/n" or die; print $f $n; close $f; print "saved $n\\n"; exit 75 };
  while ($n < 60) { select undef, undef, undef, 0.1; $n++ }
  print "counted to $n\\n"'`;

async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(tries < 300, what);
    await wait(50);
  }
}

test('a daemon on a spot node: too dear, it waits; cheaper, it runs; taken away, it saves and goes on', {
  skip: skipSystem,
  timeout: 240_000,
}, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const BERTH_SITE = scratch.write('site.yaml', site);
  const BERTH_PRICES = scratch.write('prices.yaml', prices);
  Object.assign(process.env, { BERTH_SITE, BERTH_PRICES });
  t.after(() => {
    delete process.env['BERTH_SITE'];
    delete process.env['BERTH_PRICES'];
  });
  const daemon = await up(state);
  t.after(() => kill(daemon));
  const tell = (text: string): void => {
    const whole = scratch.write('spot.new', text);
    renameSync(whole, join(state, 'spot.yaml'));
  };
  const quote = (price: number): string =>
    `source: the agent\nprices: [{type: g5, base: 0.40, price: ${price}, on_demand: 1.20}]\n`;
  const price = async (): Promise<number | undefined> =>
    (await berth(state, 'prices')).spot[0]?.price;

  const logged = (): string => readFileSync(join(state, 'logs', 'daemon.log'), 'utf8');
  tell('prices:\n  - {base: none}\n');
  await eventually(
    async () => (/spot\.yaml:2:12/.test(logged()) ? true : undefined),
    'what is wrong of it is told with its line',
  );
  tell(quote(0.92));
  await eventually(
    async () => ((await price()) === 920_000 ? true : undefined),
    'the price is told',
  );
  const shown = await runBerth(['prices', '--state', state]);
  assert.match(shown.stdout, /g5 +\$0\.92 +\$0\.40? +2\.30 +\$0\.80? +the agent/);

  const job = {
    resources: { cpu: 0.1, memory: '32Mi' },
    checkpoint: { signal: 'SIGUSR1', timeout: '5s' },
  };
  const submit = async (name: string, run: string): Promise<string> => {
    const file = scratch.write(`${name}.json`, JSON.stringify({ name, run, ...job }));
    return (await berth(state, 'submit', file)).id;
  };
  const id = await submit('batch_processing', counter);
  const why = async (which: string): Promise<string> => (await berth(state, 'why', which)).sentence;
  assert.match(
    await why(id),
    /the spot price of g5 is 2\.3× its base, .* at most \$0\.80? is paid/,
  );
  const other = await submit('training', 'true');
  assert.match(await why(other), /it may not be on spot nodes/);
  await berth(state, 'cancel', other);

  tell(quote(0.6));
  const attempts = async (): Promise<
    { id: string; state: string; cause: string; node: string }[]
  > => {
    const { url } = JSON.parse(readFileSync(join(state, 'daemon.json'), 'utf8'));
    const authorization = `Bearer ${readFileSync(join(state, 'token'), 'utf8').trim()}`;
    const answer = await fetch(`${url}/api/v1/workloads/${id}`, { headers: { authorization } });
    return ((await answer.json()) as { steps: { attempts: never[] }[] }).steps[0]!.attempts;
  };
  const first = await eventually(
    async () => (await attempts()).find((one) => one.state === 'running'),
    'it runs once the price is below',
  );
  await wait(1_500);
  tell(`${quote(0.6)}notices: [{node: ${first.node}, deadline: 6s}]\n`);
  const ended = await eventually(
    async () => (await attempts()).find((one) => one.state === 'ended'),
    'it stops before the deadline',
  );
  assert.equal(ended.cause, 'preempted');
  const log = (attempt: string): string =>
    readFileSync(join(state, 'attempts', attempt, 'stdout.log'), 'utf8');
  const saved = Number(/^saved (\d+)$/m.exec(log(ended.id))![1]);
  assert.ok(saved >= 5 && saved < 60, `${saved}`);
  // The machine was not taken away after all.
  const last = await eventually(async () => {
    const all = await attempts();
    return all.find((one) => one.cause === 'succeeded');
  }, 'it goes on and ends well');
  assert.match(log(last.id), new RegExp(`^resumed at ${saved}\\ncounted to 60\\n$`));
  const { total } = await berth(state, 'usage');
  // A tenth of a core at 36 dollars an hour is 1,000 micro-dollars a second, half of that at this price.
  const seconds = total.cost / 500;
  assert.ok(seconds > 4 && seconds < 40, `${total.cost} micro-dollars`);
  assert.match(logged(), /spot prices: g5 \$0\.6/);
  assert.match(logged(), /spot notice: /);
  t.diagnostic(`saved at ${saved}, resumed; ${total.cost} micro-dollars`);
});
