import { inventoryDocument } from '../../inventory/inventory-document.ts';
import { renderInventory } from '../../inventory/render-inventory.ts';
import { toDot } from '../../inventory/to-dot.ts';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const inventory = defineCommand({
  name: 'inventory',
  group: 'Machine',
  summary: 'Show what this machine has, how it hangs together, and where each figure is from',
  details: [
    'Nothing is invented: a field is measured, told by the kernel, a driver, firmware or a datasheet, estimated, or unknown.',
  ],
  options: {
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
    const taken = await world.inventories.take(options.sysroot);
    return {
      document: inventoryDocument(taken),
      view: () => (options.dot ? [toDot(taken).trimEnd()] : [renderInventory(taken).trimEnd()]),
      exit: EXIT.ok,
    };
  },
});
