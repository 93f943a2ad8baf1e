// One round of `launch`: what a program would do that has no scheduler.
import { spawn } from 'node:child_process';
import { cpuMs } from './cpu-time.ts';

const [jobs, atOnce] = process.argv.slice(2).map(Number);
const before = cpuMs('self');
const started = performance.now();
let next = 0;
await Promise.all(Array.from({ length: atOnce! }, worker));
const seconds = (performance.now() - started) / 1000;
const after = cpuMs('self');
const cpu = after.own - before.own + after.children - before.children;
process.stdout.write(`${JSON.stringify({ seconds, cpu_ms: cpu })}\n`);

async function worker(): Promise<void> {
  while (next < jobs!) {
    next++;
    const child = spawn('/bin/true', { stdio: ['ignore', 'pipe', 'pipe'] });
    await new Promise((resolve) => child.once('close', resolve));
  }
}
