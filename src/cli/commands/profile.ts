import type { ProfileDocument } from '../../api/contract/doctor-documents.ts';
import { formatBytes } from '../../base/format.ts';
import { OperationError } from '../../model/errors.ts';
import { parseAttemptId } from '../../model/ids.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { glyph, type Page, paint } from '../page.ts';
import { renderTable } from '../table.ts';
import { printable, wrap } from '../text.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

const FOR_MS = 10_000;
const FOR_MS_MIN = 200;
const FOR_MS_MAX = 300_000;
const NAMED_MAX = 5;

export const profile = defineCommand({
  name: 'profile',
  group: 'Work',
  summary: 'Watch what runs for some seconds, and say what bounds it',
  operand: {
    name: 'id',
    summary: 'of the workload, or of one of its attempts',
    required: false,
    many: false,
    complete: 'none',
  },
  details: [
    'CPU in programs and in the kernel, threads that were ready and did not run, switches, page faults, I/O and memory; and in which function of the kernel its threads slept.',
    'A process or a container is watched on this machine, without the daemon; what belongs to others needs root.',
  ],
  options: {
    for: { kind: 'span', value: 'span', summary: 'so long, from 200ms to 5m (10s)' },
    pid: {
      kind: 'count',
      value: 'n',
      min: 1,
      max: 4_194_304,
      summary: 'a process, with all that descends from it',
    },
    container: {
      kind: 'text',
      value: 'id',
      summary: 'a container of docker, containerd, cri-o or podman, by the beginning of its id',
    },
  },
  json: 'Profile: {of, elapsed_ms, bound, sentence, …}; null is not allowed to know',
  examples: ['berth profile 12', 'berth profile 12.train.0.1 --for 5s', 'berth profile --pid 4711'],
  async run({ operands, options }, world) {
    const [id] = operands;
    const { pid, container } = options;
    if ([id, pid, container].filter((one) => one !== undefined).length !== 1) {
      throw new OperationError(
        'USAGE',
        'Give one of a workload or attempt, --pid and --container.',
      );
    }
    const forMs = options.for ?? FOR_MS;
    if (forMs < FOR_MS_MIN || forMs > FOR_MS_MAX) {
      throw new OperationError('USAGE', '--for: from 200ms to 5m.');
    }
    const taken = await take();
    return { document: taken, view: (page) => renderProfile(taken, page), exit: EXIT.ok };

    async function take(): Promise<ProfileDocument> {
      if (pid !== undefined) return world.profiles.ofProcess(pid, forMs);
      if (container !== undefined) {
        if (!/^[0-9a-f]{4,64}$/.test(container)) {
          throw new OperationError('USAGE', '--container: from 4 to 64 hexadecimal digits.');
        }
        return world.profiles.ofContainer(container, forMs);
      }
      const client = await world.daemons.connect();
      const attempt = parseAttemptId(id!) === undefined ? await runningOf(client, id!) : id!;
      return client.profile(attempt, forMs);
    }
  },
});

/** The one attempt of a workload that runs. */
async function runningOf(client: Client, given: string): Promise<string> {
  const id = await checkId(client, given);
  const { steps } = await withNearMiss(client, id, () => client.workload(id));
  const running = steps.flatMap(({ attempts }) =>
    attempts.filter(({ state }) => state === 'running').map((one) => one.id),
  );
  if (running.length === 1) return running[0]!;
  if (running.length === 0) {
    throw new OperationError('NOT_FOUND', `Nothing of workload ${id} runs now.`, {
      hint: `See \`berth why ${id}\`.`,
    });
  }
  const names = running.slice(0, NAMED_MAX).join(', ');
  const rest = running.length > NAMED_MAX ? ', …' : '';
  throw new OperationError('USAGE', `${running.length} attempts of workload ${id} run.`, {
    hint: `Name one of ${names}${rest}`,
  });
}

export function renderProfile(taken: ProfileDocument, page: Page): readonly string[] {
  const known = (value: number | null, format: (value: number) => string): string =>
    value === null ? glyph(page, 'unknown') : format(value);
  const whole = (value: number): string => String(Math.round(value));
  const pace = (value: number): string => `${formatBytes(Math.round(value))}/s`;
  const rows: readonly (readonly [string, string])[] = [
    ['CPU', `${two(taken.cpu_user)} in programs, ${two(taken.cpu_system)} in the kernel`],
    ['waiting for CPU', known(taken.waiting_for_cpu, (n) => `${two(n)} threads`)],
    ['behind its limit', known(taken.throttled_ratio, (n) => `${whole(n * 100)} % of the time`)],
    [
      'switches',
      `${known(taken.voluntary_switches_per_second, whole)} voluntary, ${known(taken.involuntary_switches_per_second, whole)} involuntary a second`,
    ],
    [
      'page faults',
      `${whole(taken.minor_faults_per_second)} a second, and ${whole(taken.major_faults_per_second)} that needed a disk`,
    ],
    [
      'disk',
      `${known(taken.read_bytes_per_second, pace)} read, ${known(taken.written_bytes_per_second, pace)} written`,
    ],
    ['memory', formatBytes(Math.round(taken.resident_bytes))],
    [
      'threads',
      taken.states
        .map(({ state, threads }) => `${two(threads)} ${stateWords[state] ?? state}`)
        .join(', '),
    ],
    [
      'sleep in',
      taken.waits
        .slice(0, NAMED_MAX)
        .map((one) => `${printable(one.in)} ${two(one.threads)}`)
        .join(', '),
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    paint(page, 'strong', `${printable(taken.of)}, for ${formatSpan(taken.elapsed_ms)}`),
    ...wrap(printable(taken.sentence), page.width),
    '',
    ...rows
      .filter(([, text]) => text !== '')
      .map(([name, text]) => `${name.padEnd(width)}  ${text}`),
    '',
    ...renderTable(
      page,
      [
        { title: 'PID', align: 'right' },
        { title: 'CPU', align: 'right' },
        { title: 'MEMORY', align: 'right' },
        { title: 'THREADS', align: 'right', drop: 1 },
        { title: 'COMMAND', min: 6 },
      ],
      taken.top.map((one) => [
        String(one.pid),
        two(one.cpu),
        formatBytes(Math.round(one.resident_bytes)),
        String(one.threads),
        printable(one.command),
      ]),
    ),
  ];
}

const stateWords: Readonly<Record<string, string>> = {
  R: 'running or ready',
  S: 'asleep',
  D: 'in uninterruptible sleep',
  T: 'stopped',
  Z: 'ended',
  I: 'idle',
};

const two = (value: number): string => String(Number(value.toFixed(2)));
