// Told `take`, opens the state folder of argv and says what came of it; told `drop`, lets it go.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { OperationError } from '../../src/model/errors.ts';
import { openStateFolder, type StateFolder } from '../../src/store/io/state-folder.ts';

let folder: StateFolder | undefined;
writeSync(1, 'ready\n');
for await (const order of createInterface({ input: process.stdin })) {
  writeSync(1, `${order === 'take' ? await take() : drop()}\n`);
}

async function take(): Promise<string> {
  try {
    folder = await openStateFolder({ dir: process.argv[2]! });
    return `holds ${folder.token} ${folder.instance}`;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return `${error.code} ${error.facts['pid']}`;
  }
}

function drop(): string {
  folder?.release();
  folder = undefined;
  return 'dropped';
}
