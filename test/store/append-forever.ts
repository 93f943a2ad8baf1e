// Appends marked batches to the journal named by argv, and prints each number once it is acknowledged.
// After a failure it prints the code and the last sequence, waits for a line, and tries the same batch again.
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { Prng } from '../../src/base/prng.ts';
import { OperationError } from '../../src/model/errors.ts';
import { openJournal } from '../../src/store/io/journal.ts';
import { markedBatch } from './events.ts';

const [file, seed, firstBatch, batches] = process.argv.slice(2);
const journal = openJournal({ file: file! });
const random = new Prng(Number(seed));
const last = Number(firstBatch) + Number(batches);
for (let batch = Number(firstBatch); batch < last; ) {
  const events = markedBatch(batch, random.between(1, 40));
  const appended = await tryAppend(events);
  if (!appended) {
    await once(process.stdin, 'data');
    if (!(await tryAppend(events))) process.exit(1);
  }
  writeSync(1, `ok ${batch} ${journal.lastSequence}\n`);
  batch++;
}
journal.close();
process.exit(0);

async function tryAppend(events: Parameters<typeof journal.append>[0]): Promise<boolean> {
  try {
    await journal.append(events);
    return true;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    writeSync(1, `${error.code} ${journal.lastSequence}\n`);
    return false;
  }
}
