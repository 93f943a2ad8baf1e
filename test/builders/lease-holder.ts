// Holds one device of a pool until it is taken away: lease-holder.ts SOCKET POOL TTL. Says `held ID`, then `lost WHY`.
import { openClient } from '../../src/cli/io/open-client.ts';
import { ResourcePool } from '../../src/cli/io/resource-pool.ts';

const [socket, pool, ttl] = process.argv.slice(2);
const client = openClient(() => Promise.resolve({ kind: 'socket', path: socket! }));
const lease = await ResourcePool.named(client, pool!).request({ ttl: ttl! });
lease.lost.addEventListener('abort', () => {
  process.stdout.write(`lost ${(lease.lost.reason as Error).message}\n`);
  process.exit(3);
});
process.stdout.write(`held ${lease.devices[0]!.id}\n`);
// Renewing does not keep a process alive.
setInterval(() => {}, 60_000);
