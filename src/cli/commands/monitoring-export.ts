import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const monitoringExport = defineCommand({
  name: 'monitoring export',
  group: 'Files and settings',
  summary: 'Write a dashboard for Grafana, and rules and configuration for Prometheus',
  details: ['What has the names of these files in the folder is replaced.'],
  operand: {
    name: 'folder',
    summary: 'where to; made when it is missing',
    required: true,
    many: false,
    complete: 'file',
  },
  options: {},
  json: '{files: [path, …]}',
  examples: ['berth monitoring export ./monitoring'],
  async run({ operands }, world) {
    const files = await world.monitoring.export(operands[0]!);
    return { document: { files }, view: () => files, exit: EXIT.ok };
  },
});
