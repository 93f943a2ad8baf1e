// One round of `launch` in a process of its own: the daemon in this process, as `berth run` has it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkloadDocument } from '../src/api/contract/documents.ts';
import { openDaemon } from '../src/app/daemon.ts';
import { openClient } from '../src/cli/io/open-client.ts';
import { watchWorkload } from '../src/cli/watch-workload.ts';
import { cpuMs } from './cpu-time.ts';

const [jobs, atOnce] = process.argv.slice(2).map(Number);
const stateDir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
const document = {
  name: 'launch',
  run: ['/bin/true'],
  count: jobs,
  parallel: atOnce,
  resources: { cpu: { request: 0.1, limit: 1 }, memory: '32Mi' },
};
const daemon = await openDaemon({ stateDir, port: undefined, foreground: false, log: () => {} });
const client = openClient(async () => ({ kind: 'socket', path: daemon.socket }));
const launcher = readFileSync(join(stateDir, 'launcher.lock'), 'utf8').trim();
const before = cpuMs('self');
const launcherBefore = cpuMs(Number(launcher)).own;
const text = JSON.stringify(document);
const { id } = await client.submit({ text, fileName: 'launch.json', cwd: stateDir });
const watching = { signal: new AbortController().signal, note: () => {} };
let last: WorkloadDocument | undefined;
for await (const seen of watchWorkload(client, id, watching)) last = seen;
const { status, workload } = last!;
const seconds = (workload.ended_at! - workload.submitted_at) / 1000;
client.close();
const own = cpuMs('self').own - before.own;
await daemon.close();
// Its time, and that of its shims and their tasks, is counted once this process has waited for it.
while (isThere(launcher)) await delay(5);
const children = cpuMs('self').children - before.children - launcherBefore;
rmSync(stateDir, { recursive: true });
process.stdout.write(
  `${JSON.stringify({ status, seconds, daemon_cpu_ms: own, children_cpu_ms: children })}\n`,
);

function isThere(pid: string): boolean {
  try {
    readFileSync(`/proc/${pid}/stat`);
    return true;
  } catch {
    return false;
  }
}
