import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { OperationError } from '../model/errors.ts';
import type { WhatIfMessage, WhatIfReply } from './what-if-messages.ts';
import { WhatIfReplica } from './what-if-replica.ts';

/** The thread that answers for `LiveWhatIf`: a copy of the site that follows its journal. */
const port = parentPort;
assert(port !== null, 'runs as a worker');
const reply = (message: WhatIfReply): void => port.postMessage(message);
const replica = await WhatIfReplica.open(workerData);

port.on('message', (message: WhatIfMessage) => {
  switch (message.kind) {
    case 'snapshots':
      reply({ id: 0, sequence: replica.restore(message.rows) });
      break;
    case 'rows':
      replica.follow(message.rows);
      break;
    case 'past':
      replica.remember(message.rows);
      break;
    case 'ask':
      answer(message);
      break;
  }
});

function answer({ id, asked, by, at, from }: Extract<WhatIfMessage, { kind: 'ask' }>): void {
  try {
    reply({ id, document: replica.answer(asked, { by, at, from }) });
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const { code, message, facts } = error;
    reply({ id, problem: { code, message, facts } });
  }
}
