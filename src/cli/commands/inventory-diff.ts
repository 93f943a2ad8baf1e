import { changeSentence, diffInventory } from '../../inventory/diff-inventory.ts';
import { inventoryDocument } from '../../inventory/inventory-document.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const inventoryDiff = defineCommand({
  name: 'inventory diff',
  group: 'Machine',
  summary: 'Show what changed on this machine since an inventory was saved',
  operand: {
    name: 'file',
    summary: 'an inventory saved with `berth inventory --json > FILE`',
    required: true,
    many: false,
    complete: 'file',
  },
  options: {},
  json: '{changes: [{kind, what, id, field, before, after}, …]}',
  examples: ['berth inventory --json > before.json', 'berth inventory diff before.json'],
  async run({ operands }, world) {
    const before = await world.inventories.read(operands[0]!);
    const after = inventoryDocument(await world.inventories.take(undefined));
    const changes = diffInventory(before, after);
    return {
      document: { changes },
      view: () => (changes.length === 0 ? ['Nothing changed.'] : changes.map(changeSentence)),
      exit: EXIT.ok,
    };
  },
});
