import type { TransferDocument } from '../../api/contract/transfer-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { transferLine } from '../transfer-line.ts';

export const transferCancel = defineCommand({
  name: 'transfer cancel',
  group: 'Work',
  summary: 'End transfers; what they moved stays beside the destination, for --resume',
  operand: {
    name: 'id',
    summary: 'of the transfers',
    required: true,
    many: true,
    complete: 'none',
  },
  options: {},
  json: '{transfers: [Transfer, …]}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const transfers: TransferDocument[] = [];
    for (const id of operands) transfers.push(await client.cancelTransfer(id));
    return {
      document: { transfers },
      view: () => transfers.map((one) => transferLine(one, world.now())),
      exit: EXIT.ok,
    };
  },
});
