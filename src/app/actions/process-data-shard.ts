import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { processDataShardArguments } from '../../spec/actions/work-actions.ts';
import { ActionFailure, reasonOf, runAction } from './action-program.ts';

await runAction(processDataShardArguments, async ({ file, output, ...given }) => {
  const shard = given.shard ?? Number(process.env['BERTH_TASK_INDEX'] ?? 0);
  const of = given.of ?? Math.max(1, Number(process.env['BERTH_TASK_COUNT'] ?? 1));
  if (shard >= of) throw new ActionFailure(`there is no part ${shard} of ${of}: they count from 0`);
  const hash = createHash('sha256');
  let lines = 0;
  let bytes = 0;
  const out = output === undefined ? undefined : createWriteStream(output);
  out?.on('error', () => undefined);
  try {
    let number = 0;
    for await (const line of linesOf(file)) {
      if (number++ % of !== shard) continue;
      const text = `${line}\n`;
      hash.update(text);
      lines++;
      bytes += Buffer.byteLength(text);
      if (out !== undefined && !out.write(text)) {
        await new Promise<void>((resolve, reject) => {
          out.once('drain', resolve).once('error', reject);
        });
      }
    }
    if (out !== undefined) {
      out.end();
      await finished(out);
    }
  } catch (error) {
    throw new ActionFailure(`${file ?? output} cannot be processed: ${reasonOf(error)}`);
  }
  return { shard, of, lines, bytes, sha256: hash.digest('hex') };
});

async function* linesOf(file: string | undefined): AsyncIterable<string> {
  if (file === undefined) return;
  const input = createReadStream(file);
  const failed = new Promise<never>((_, reject) => {
    input.once('error', reject);
  });
  failed.catch(() => undefined);
  await Promise.race([new Promise((resolve) => input.once('open', resolve)), failed]);
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}
