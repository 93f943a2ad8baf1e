import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { makeFolder, words } from './cgroup-files.ts';

/** Where the processes of a delegated unit go, as systemd's own `DelegateSubgroup=` does it. */
const ASIDE = 'supervisor';
const ASK_MS = 3000;
/** A process may fork while it is moved. */
const MOVE_ROUNDS = 20;

/** Whether systemd leaves the inside of a unit's cgroup to the unit: its property Delegate (systemd.resource-control(5)). */
export function isDelegated(folder: string): boolean {
  const unit = basename(folder);
  if (!/\.(?:service|scope)$/.test(unit) || !isSystemd()) return false;
  const ofUser = /\/user@\d+\.service\//.test(folder) ? ['--user'] : [];
  const asked = spawnSync(
    'systemctl',
    [...ofUser, 'show', '--property=Delegate', '--value', unit],
    {
      encoding: 'utf8',
      timeout: ASK_MS,
    },
  );
  return asked.stdout?.trim() === 'yes';
}

/**
 * Moves all processes of a folder of ours into a folder in it: only one without processes can hand controllers down.
 * @throws the error of the system, or one that says who stayed.
 */
export function stepAside(folder: string): void {
  const aside = `${folder}/${ASIDE}`;
  makeFolder(aside);
  for (let round = 0; round < MOVE_ROUNDS; round++) {
    const pids = words(`${folder}/cgroup.procs`).filter((word) => word !== '');
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        writeFileSync(`${aside}/cgroup.procs`, pid);
      } catch (error) {
        // One that ended meanwhile.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    }
  }
  throw new Error(`${folder} has processes that cannot be moved`);
}

/** What somebody can do who may not make cgroups; undefined where nothing is known to help. */
export function delegationAdvice(): string | undefined {
  if (process.getuid?.() === 0) return undefined;
  return isSystemd()
    ? 'to have limits held, start the daemon where systemd leaves cgroups to you: systemd-run --user --scope -p Delegate=yes berth up'
    : 'to have limits held, let an administrator give you a cgroup, or start the daemon as root';
}

const isSystemd = (): boolean => existsSync('/run/systemd/system');
