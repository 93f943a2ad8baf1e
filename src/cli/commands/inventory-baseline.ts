import { OperationError } from '../../model/errors.ts';
import { baselineLines } from '../baseline-view.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { lastBaseline, measureBaseline } from '../measure-baseline.ts';

export const inventoryBaseline = defineCommand({
  name: 'inventory baseline',
  group: 'Machine',
  summary: 'Measure what no driver tells: memory, disk, loopback, process starts',
  details: [
    'Takes some 30 seconds, each figure several times, and writes at most 1.25 GiB to a scratch file that has no name, so that it is gone however this ends. The baseline is kept in the state folder and compared with the one before it.',
  ],
  options: {
    scratch: {
      kind: 'text',
      value: 'dir',
      complete: 'folder',
      summary: 'the folder whose disk is measured (default: the state folder)',
    },
    last: { kind: 'flag', summary: 'show the last baseline that is kept, and measure nothing' },
  },
  json: '{taken_at, host, measurements: [{name, unit, better, method, repeats, min, median, max, note}, …], problems, compared}',
  examples: ['berth inventory baseline', 'berth inventory baseline --scratch /mnt/nvme'],
  async run({ options }, world) {
    if (options.last && options.scratch !== undefined) {
      throw new OperationError('USAGE', '--last and --scratch exclude each other.');
    }
    if (!options.last) {
      const { document, exit } = await measureBaseline(world, options.scratch);
      return { document, view: (page) => baselineLines(document, page, world.now()), exit };
    }
    const document = await lastBaseline(world);
    return {
      document: document ?? null,
      view: (page) =>
        document === undefined
          ? ['No baseline is kept yet: `berth inventory baseline`.']
          : baselineLines(document, page, world.now()),
      exit: EXIT.ok,
    };
  },
});
