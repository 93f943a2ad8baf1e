import { resolve } from 'node:path';
import type { Status } from '../../api/contract/documents.ts';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Setting } from '../settings.ts';
import type { World } from '../world.ts';

export const up = defineCommand({
  name: 'up',
  group: 'Daemon',
  summary: 'Start the daemon, with its API and web page',
  details: [
    'It stays in the foreground until Ctrl-C, SIGTERM or `berth down`; with -d it goes into the background once it answers. What runs goes on running when it ends, and is found again by the next one.',
  ],
  options: {
    site: {
      kind: 'text',
      value: 'file',
      summary:
        'how to schedule: queues, quotas, order (BERTH_SITE, else XDG_CONFIG_HOME/berth/site.yaml)',
    },
    prices: {
      kind: 'text',
      value: 'file',
      summary: 'what things cost (BERTH_PRICES); see docs/guides/money.md',
    },
    detach: {
      kind: 'flag',
      short: 'd',
      summary: 'in the background; its log is STATE/logs/daemon.log',
    },
    port: {
      kind: 'count',
      value: 'port',
      min: 0,
      max: 65_535,
      summary: 'on the loopback address (BERTH_PORT, else 7411); 0 takes any free one',
    },
  },
  json: 'Status, as soon as it answers',
  examples: ['berth up -d', 'berth up -d --site site.yaml', 'berth up --port 0 --state /tmp/berth'],
  async run({ options }, world) {
    const { settings, cwd } = world;
    const file = (flag: string | undefined): string | undefined =>
      flag === undefined ? undefined : resolve(cwd, flag);
    const terms = {
      port: flagOr(options.port, '--port', settings.port),
      site: flagOr(file(options.site), '--site', settings.site),
      prices: flagOr(file(options.prices), '--prices', settings.prices),
    };
    if (options.detach) {
      await refuseSecond(world);
      const client = await world.daemons.spawn(terms);
      const status = await client.status();
      return { ...(await announcement(status, world)), exit: EXIT.ok };
    }
    const daemon = await world.daemons.open({ ...terms, foreground: true });
    const status = await daemon.client.status();
    return {
      ...(await announcement(status, world)),
      exit: EXIT.ok,
      stay: async () => {
        const release = world.onInterrupt(() => void daemon.close());
        await daemon.closed;
        release();
        return EXIT.ok;
      },
    };
  },
});

const flagOr = <T>(given: T | undefined, name: string, otherwise: Setting<T>): Setting<T> =>
  given === undefined ? otherwise : { value: given, origin: 'flag', source: name };

/** The daemon refuses by itself, too; this way its log stays free of it. */
async function refuseSecond(world: World): Promise<void> {
  const client = await world.daemons.find();
  if (client === undefined) return;
  const { pid, url, state_dir: stateDir } = await client.status();
  throw new OperationError(
    'DAEMON_RUNNING',
    `A daemon already owns ${stateDir}: pid ${pid}, ${url}.`,
    {
      pid,
      url,
      state_dir: stateDir,
    },
  );
}

async function announcement(status: Status, world: World) {
  const login = await world.daemons.loginLink(status.url);
  return {
    document: status,
    view: () => [
      `Berth is up: pid ${status.pid}, state ${status.state_dir}`,
      ...(status.site_file === null ? [] : [`  site ${status.site_file}`]),
      `  ${login ?? status.url}`,
    ],
  };
}
