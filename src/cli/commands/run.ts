import { type AttendOptions, attendWorkload, type InterruptSignal } from '../attend-workload.ts';
import type { Client, SubmittedDocument } from '../client.ts';
import { type CommandResult, defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { noteSpilled } from '../note-spilled.ts';
import { renderOutcome } from '../outcome.ts';
import { givenVars, readChecked, varOptions } from '../read-checked.ts';
import { exitOf } from '../workload-exit.ts';

export const run = defineCommand({
  name: 'run',
  group: 'Work',
  summary: 'Run a document to its end, with progress, and show what each step used',
  details: [
    'Uses the daemon if one is up. Otherwise it opens one in this process, on the same state folder and without a web page, until the workload has ended.',
    'Ctrl-C asks whether to detach, cancel or go on; a second one cancels and waits for the end; a third one stops waiting.',
  ],
  operand: {
    name: 'file',
    summary: 'a YAML or JSON document; - reads stdin',
    required: true,
    many: false,
    complete: 'file',
  },
  options: varOptions,
  json: 'Workload, once it has ended',
  examples: [
    'berth run train.yaml',
    'berth run train.yaml --var epochs=3',
    'berth run train.yaml --json | jq .status',
  ],
  async run({ operands, options }, world) {
    const document = await readChecked(operands[0]!, world, givenVars(options));
    // From here on a signal may not just end this process: a daemon in it has tasks.
    let early: InterruptSignal | undefined;
    const release = world.onInterrupt((signal) => {
      early = signal;
    });
    const interrupted = (): InterruptSignal | undefined => early;
    try {
      const client = await world.daemons.find();
      if (client !== undefined) {
        try {
          return await submitAndAttend(client, document, { world, isEmbedded: false, interrupted });
        } finally {
          client.close();
        }
      }
      const opened = await world.daemons.open({
        port: { value: undefined, origin: 'default', source: 'none for one run' },
        site: world.settings.site,
        prices: world.settings.prices,
        foreground: false,
      });
      try {
        return await submitAndAttend(opened.client, document, {
          world,
          isEmbedded: true,
          interrupted,
        });
      } finally {
        opened.client.close();
        await opened.close();
      }
    } finally {
      release();
    }
  },
});

async function submitAndAttend(
  client: Client,
  document: SubmittedDocument,
  options: AttendOptions,
): Promise<CommandResult> {
  const { world } = options;
  const submitted = await client.submit(document);
  const { id, warnings } = submitted;
  for (const warning of warnings) world.note(`warning: ${warning}`);
  noteSpilled(submitted, world);
  const { document: ended, interrupted } = await attendWorkload(client, id, options);
  if (interrupted === 'detached') {
    world.note(
      `It goes on as ${id}: \`berth wait ${id}\`, \`berth logs ${id} -f\`, \`berth cancel ${id}\`.`,
    );
  }
  const isOwnDoing = interrupted !== undefined && ended.status !== 'succeeded';
  return {
    document: ended,
    view: (page) => (interrupted === 'detached' ? [] : renderOutcome(ended, page)),
    exit: isOwnDoing ? EXIT.interrupted : exitOf(ended),
  };
}
