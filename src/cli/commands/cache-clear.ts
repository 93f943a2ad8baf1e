import { formatBytes } from '../../base/format.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const cacheClear = defineCommand({
  name: 'cache clear',
  group: 'Daemon',
  summary: 'Take away the results of tasks that are kept for you; as an admin, all of them',
  options: {},
  json: 'CacheCleared: {removed, bytes}',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const cleared = await client.clearCache();
    const { removed, bytes } = cleared;
    const what = `${removed} ${removed === 1 ? 'result' : 'results'}`;
    return {
      document: cleared,
      view: () => [`Took away ${what}, ${formatBytes(bytes)}.`],
      exit: EXIT.ok,
    };
  },
});
