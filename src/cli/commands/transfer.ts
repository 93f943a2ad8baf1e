import { isAbsolute, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TransferDocument } from '../../api/contract/transfer-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { parseBitRate } from '../../spec/quantities.ts';
import type { Client } from '../client.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { LiveArea } from '../live-area.ts';
import { transferLine } from '../transfer-line.ts';
import type { World } from '../world.ts';

const LOOK_EVERY_MS = 200;
/** Where nothing can be redrawn. */
const SAY_EVERY_MS = 5_000;
const CHECKSUMS = ['sha256', 'sha512', 'none'] as const;

export const transfer = defineCommand({
  name: 'transfer',
  group: 'Work',
  summary: 'Move a file or a folder: rate-capped, checksummed, and on after a crash',
  details: [
    'The daemon moves it, so that it goes on when this command is interrupted. It is written beside its destination, read back, and gets its name there at once; a folder that is there takes it under its own name. volume:NAME/PATH is in a volume.',
    'After a crash of the daemon it goes on by itself behind what was written down and proved. With --resume one that failed or was cancelled does.',
  ],
  operand: {
    name: 'path',
    summary: 'SRC and DST: paths here, or volume:NAME/PATH',
    required: true,
    many: true,
    complete: 'file',
  },
  options: {
    rate: { kind: 'text', value: 'rate', summary: 'at most, such as 50Mbps (as fast as it goes)' },
    checksum: { kind: 'text', value: 'kind', summary: 'sha256 (default), sha512 or none' },
    resume: { kind: 'flag', summary: 'take up a transfer of the same that did not succeed' },
    detach: { kind: 'flag', short: 'd', summary: 'do not wait for its end' },
  },
  json: 'Transfer: {id, from, to, state, bytes, moved_bytes, resumed_bytes, sum, message, …}',
  examples: [
    'berth transfer out/model /mnt/nas/models --rate 50Mbps',
    'berth transfer volume:pipeline-data/results /backup --resume',
  ],
  async run({ operands, options }, world) {
    const [from, to, ...more] = operands;
    if (from === undefined || to === undefined || more.length > 0) {
      throw new OperationError('USAGE', 'Name two paths: SRC and DST.');
    }
    const rate = options.rate === undefined ? undefined : rateOf(options.rate);
    const client = await world.daemons.connect();
    const asked = await client.askTransfer({
      from: absolute(from, world),
      to: absolute(to, world),
      ...(rate !== undefined && { rate_bits_per_second: rate }),
      ...(options.checksum !== undefined && { checksum: checksumOf(options.checksum) }),
      resume: options.resume,
    });
    const last = options.detach ? asked : await watch(client, asked, world);
    return {
      document: last,
      view: () => [transferLine(last, world.now()), ...(last.sum === null ? [] : [sumOf(last)])],
      exit: options.detach ? EXIT.ok : exitOf(last),
    };
  },
});

const sumOf = ({ checksum, sum, to }: TransferDocument): string => `${checksum} ${sum}  ${to}`;

function exitOf({ state }: TransferDocument): number {
  if (state === 'succeeded') return EXIT.ok;
  if (state === 'failed') return EXIT.workloadFailed;
  return state === 'cancelled' ? EXIT.workloadCancelled : EXIT.interrupted;
}

function absolute(path: string, world: World): string {
  return isAbsolute(path) || path.startsWith('volume:') ? path : resolve(world.cwd, path);
}

function rateOf(written: string): number {
  const parsed = parseBitRate(written);
  if (parsed.ok && parsed.value >= 8_000) return parsed.value;
  const sentence = parsed.ok ? '--rate is less than 8kbps.' : `--rate: ${parsed.message}.`;
  throw new OperationError('USAGE', sentence, { hint: 'A rate such as 50Mbps.' });
}

function checksumOf(written: string): (typeof CHECKSUMS)[number] {
  const found = CHECKSUMS.find((kind) => kind === written);
  if (found !== undefined) return found;
  throw new OperationError('USAGE', `--checksum is one of ${CHECKSUMS.join(', ')}.`);
}

/** Until it has ended, or this is interrupted: then it goes on without being watched. */
async function watch(
  client: Client,
  asked: TransferDocument,
  world: World,
): Promise<TransferDocument> {
  const interrupted = new AbortController();
  const stopListening = world.onInterrupt(() => interrupted.abort());
  const { terminal, settings } = world;
  const redraws = terminal.stderr.isTerminal && terminal.canRedraw && !settings.quiet.value;
  const area = redraws ? new LiveArea((text) => terminal.writeError(text)) : undefined;
  let last = asked;
  let saidAt = world.now();
  try {
    while (last.ended_at === null && !interrupted.signal.aborted) {
      await wait(LOOK_EVERY_MS);
      last = await client.transfer(asked.id);
      const now = world.now();
      area?.draw([transferLine(last, now).slice(0, terminal.stderrPage().width - 1)]);
      if (area !== undefined || now - saidAt < SAY_EVERY_MS) continue;
      world.note(transferLine(last, now));
      saidAt = now;
    }
  } finally {
    area?.clear();
    stopListening();
  }
  if (last.ended_at === null) {
    world.note(`Transfer ${last.id} goes on: see berth transfer list, or berth transfer cancel.`);
  }
  return last;
}
