import type { HostReader, ReadProblem } from '../host-reader.ts';
import { parseSmartctl, parseSmartScan, type SmartReport } from '../parsers/smartctl.ts';
import { defineProbe } from '../probe.ts';
import { printed } from './program-output.ts';

/** A shelf of disks behind one controller; more are named as not asked. */
const DRIVES_MAX = 64;
/** A drive that spins up or hangs on the bus takes long; the others do not wait for it. */
const DRIVE_TIMEOUT_MS = 8000;
const SCAN_TIMEOUT_MS = 5000;

/** Health of drives, where smartctl is installed and may ask them. A sleeping drive is left asleep. */
export const smartProbe = defineProbe({
  name: 'smart',
  cost: 'slow',
  async read(host) {
    const scan = await host.run('smartctl', ['--scan', '--json'], SCAN_TIMEOUT_MS);
    if (!scan.ok) {
      return scan.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: scan.problem };
    }
    const drives = parseSmartScan(scan.value);
    if (drives.length === 0) return { kind: 'absent' };
    const problems: ReadProblem[] = [];
    if (drives.length > DRIVES_MAX) {
      problems.push({
        kind: 'too-large',
        detail: `${drives.length - DRIVES_MAX} drives not asked`,
      });
    }
    const asked = await Promise.all(drives.slice(0, DRIVES_MAX).map((drive) => ask(host, drive)));
    const value = asked.filter((answer): answer is SmartReport => !('kind' in answer));
    problems.push(...asked.filter((answer): answer is ReadProblem => 'kind' in answer));
    return { kind: 'found', value, problems };
  },
});

async function ask(
  host: HostReader,
  drive: { readonly name: string; readonly type: string },
): Promise<SmartReport | ReadProblem> {
  const answer = await host.run(
    'smartctl',
    [
      '--json',
      '--info',
      '--health',
      '--attributes',
      '--nocheck=standby',
      '-d',
      drive.type,
      drive.name,
    ],
    DRIVE_TIMEOUT_MS,
  );
  // Its exit status has a bit for each thing that is wrong with the drive.
  const text = printed(answer);
  const report = text === undefined ? undefined : parseSmartctl(text);
  if (report !== undefined) return report;
  return answer.ok
    ? { kind: 'failed', detail: `smartctl ${drive.name}: not a report` }
    : answer.problem;
}
