// `npm run sim`: SEEDS=1000 runs that many worlds, from FIRST=1 on; SEED=42 replays one, with its trace.
import { type MarkCounts, marks, noMarks } from '../../src/simulation/faults.ts';
import { runSeed } from './run-seed.ts';

const SEEDS_DEFAULT = 1_000;
const out = (line: string): boolean => process.stdout.write(`${line}\n`);

const seed = fromEnv('SEED');
if (seed !== undefined) await one(seed);
else await many(fromEnv('FIRST') ?? 1, fromEnv('SEEDS') ?? SEEDS_DEFAULT);

function fromEnv(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(`${name} is a whole number, not '${text}'\n`);
  process.exit(64);
}

async function one(seed: number): Promise<void> {
  try {
    const { events, workloads, attempts } = await runSeed(seed, { trace: out });
    out(`seed ${seed} holds: ${workloads} workloads, ${attempts} attempts, ${events} events`);
  } catch (error) {
    out(`seed ${seed} fails: ${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = 1;
  }
}

async function many(first: number, count: number): Promise<void> {
  const total: MarkCounts = noMarks();
  const began = performance.now();
  let [events, workloads, attempts] = [0, 0, 0];
  for (let seed = first; seed < first + count; seed++) {
    try {
      const result = await runSeed(seed);
      for (const mark of marks) total[mark] += result.counts[mark];
      events += result.events;
      workloads += result.workloads;
      attempts += result.attempts;
    } catch (error) {
      out(`seed ${seed} fails: ${error instanceof Error ? error.message : String(error)}`);
      out(`replay it with: SEED=${seed} npm run sim`);
      process.exitCode = 1;
      return;
    }
    if ((seed - first + 1) % 100 === 0) process.stderr.write(`${seed - first + 1} of ${count}\n`);
  }
  const seconds = (performance.now() - began) / 1000;
  out(`${count} seeds in ${seconds.toFixed(1)} s`);
  out(`${workloads} workloads, ${attempts} attempts, ${events} events`);
  for (const mark of marks) out(`  ${String(total[mark]).padStart(8)}  ${mark}`);
}
