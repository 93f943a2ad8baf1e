import { createServer } from 'node:net';
import type { SpanMs } from '../../../base/units.ts';
import { spanMs } from '../../../base/units.ts';
import type { AttemptEnd, EndCause, StopReason } from '../../../model/attempt.ts';
import type { AttemptId } from '../../../model/ids.ts';
import type { AttemptStart, Report, Saving } from '../../../runtime/ports.ts';
import type { LocalDriver } from './driver.ts';

/**
 * The driver, which starts nothing whose ports a stranger has: it is reported as `start-failed`, and gets
 * others the next time. Between this look and the task's own `bind` a stranger may still come first.
 */
export function checkingPorts(
  driver: LocalDriver,
  onReport: (report: Report) => void,
): LocalDriver {
  const checking = new Map<AttemptId, StopReason | undefined>();

  async function check(start: AttemptStart, ports: readonly number[]): Promise<void> {
    const { attempt } = start;
    checking.set(attempt, undefined);
    const taken = await firstTaken(ports);
    const stop = checking.get(attempt);
    checking.delete(attempt);
    const told = (cause: EndCause, message: string): void => {
      onReport({ kind: 'ended', attempt, end: refused(driver, cause, message) });
    };
    if (stop !== undefined) told('cancelled', 'It was stopped before it was started.');
    else if (taken === undefined) driver.start(start);
    else {
      // A daemon that died may have started it, and it has the port itself.
      driver.stop(attempt, 'cancelled', spanMs(0));
      told('start-failed', `Port ${taken} is taken by somebody else.`);
    }
  }

  return {
    enforcement: driver.enforcement,
    cores: driver.cores,
    uses: driver.uses,
    get launcherPid() {
      return driver.launcherPid;
    },
    start(start) {
      const ports = Object.values(start.placement.ports ?? {});
      if (ports.length === 0) driver.start(start);
      else if (!checking.has(start.attempt)) void check(start, ports);
    },
    stop(attempt: AttemptId, reason: StopReason, graceMs: SpanMs, saving?: Saving) {
      if (checking.has(attempt)) checking.set(attempt, reason);
      else driver.stop(attempt, reason, graceMs, saving);
    },
    adjust: (attempt, to) => driver.adjust(attempt, to),
    pin: (attempt, cores) => driver.pin(attempt, cores),
    pause: (attempt) => driver.pause(attempt),
    resume: (attempt) => driver.resume(attempt),
    adopt: (start) => driver.adopt(start),
    memoryFill: () => driver.memoryFill(),
    known: () => driver.known(),
    settle: (attempt) => driver.settle(attempt),
    close: () => driver.close(),
  };
}

const refused = (driver: LocalDriver, cause: EndCause, message: string): AttemptEnd => ({
  cause,
  usage: {},
  enforced: driver.enforcement,
  message,
});

async function firstTaken(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (!(await isFree(port))) return port;
  return undefined;
}

/** On all addresses. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
