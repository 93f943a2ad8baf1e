import { spawn } from 'node:child_process';
import type { Measurement } from '../../baseline.ts';
import { type Budget, nowNs, repeated } from './repeat.ts';

/** Processes that begin and end per second, one after the other: `true`, found on PATH. */
export function measureSpawnRate(budget: Budget): Promise<Measurement | undefined> {
  return repeated('process-spawn', 'sequential-true', budget, async () => {
    const started = nowNs();
    const until = started + budget.milliseconds * 1e6;
    let processes = 0;
    do {
      if (!(await ranToItsEnd(budget.signal))) return undefined;
      processes++;
    } while (nowNs() < until && !budget.signal.aborted);
    return (processes * 1e9) / (nowNs() - started);
  });
}

function ranToItsEnd(signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('true', [], { stdio: 'ignore', signal });
    child.on('error', () => resolve(false));
    child.on('close', (status) => resolve(status === 0));
  });
}
