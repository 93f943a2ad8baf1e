import { inventoryDocument } from '../../inventory/inventory-document.ts';
import { renderInventory } from '../../inventory/render-inventory.ts';
import { toDot } from '../../inventory/to-dot.ts';
import { OperationError } from '../../model/errors.ts';
import { baselineLines } from '../baseline-view.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { measureBaseline } from '../measure-baseline.ts';

export const inventory = defineCommand({
  name: 'inventory',
  group: 'Machine',
  summary: 'Show what this machine has, how it hangs together, and where each figure is from',
  details: [
    'Nothing is invented: a field is measured, told by the kernel, a driver, firmware or a datasheet, estimated, or unknown.',
  ],
  options: {
    benchmark: {
      kind: 'flag',
      summary:
        'measure bandwidths and latencies as well: some 30 seconds, see `inventory baseline`',
    },
    dot: { kind: 'flag', summary: 'print the topology as a Graphviz graph' },
    sysroot: {
      kind: 'text',
      value: 'dir',
      complete: 'folder',
      summary: 'read a recorded /proc and /sys tree instead of this machine',
    },
  },
  json: 'Inventory; its JSON Schema is in docs/reference/inventory.schema.json',
  examples: [
    'berth inventory',
    'berth inventory --json | jq .gpus',
    'berth inventory --dot | dot -Tsvg',
  ],
  async run({ options }, world) {
    if (options.dot && world.settings.json.value) {
      throw new OperationError('USAGE', '--dot and --json exclude each other.');
    }
    if (options.benchmark && (options.dot || options.sysroot !== undefined)) {
      throw new OperationError(
        'USAGE',
        '--benchmark measures this machine: no --dot, no --sysroot.',
      );
    }
    const taken = await world.inventories.take(options.sysroot);
    const measured = options.benchmark ? await measureBaseline(world, undefined) : undefined;
    const baseline = measured?.document;
    return {
      document: { ...inventoryDocument(taken), ...(baseline === undefined ? {} : { baseline }) },
      view: (page) => [
        options.dot ? toDot(taken).trimEnd() : renderInventory(taken).trimEnd(),
        ...(baseline === undefined ? [] : ['', ...baselineLines(baseline, page, world.now())]),
      ],
      exit: measured?.exit ?? EXIT.ok,
    };
  },
});
