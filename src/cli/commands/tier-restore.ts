import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { readTierConfig } from '../read-tiers.ts';

export const tierRestore = defineCommand({
  name: 'tier restore',
  group: 'Machine',
  summary: 'Bring files back that `berth tier plan --apply` moved',
  operand: {
    name: 'path',
    summary: 'files by their own names, or folders with all in them',
    required: true,
    many: true,
    complete: 'file',
  },
  options: {
    tiers: { kind: 'text', value: 'file', summary: 'the tiers: see docs/guides/tiers.md' },
  },
  json: '{restored: [{path, to, why}, …]}; why where it was not',
  examples: ['berth tier restore /data/model.bin --tiers tiers.yaml'],
  async run({ operands, options }, world) {
    const config = await readTierConfig(options.tiers, world);
    const restored = await world.tiering.restore(operands, config);
    return {
      document: { restored },
      view: () =>
        restored.map(({ path, why }) =>
          why === undefined ? `${path} is back` : `${path} is not restored: ${why}`,
        ),
      exit: restored.some(({ why }) => why !== undefined) ? EXIT.workloadFailed : EXIT.ok,
    };
  },
});
