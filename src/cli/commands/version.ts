import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const version = defineCommand({
  name: 'version',
  group: 'Files and settings',
  summary: 'Print the version of Berth and of what runs it',
  options: {},
  json: '{version, node, platform, arch}',
  async run(_input, world) {
    const document = {
      version: world.version,
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
    };
    return { document, view: () => [`berth ${document.version}`], exit: EXIT.ok };
  },
});
