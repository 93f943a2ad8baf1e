import { resolve } from 'node:path';
import { daemonSettings } from '../cli/explain-settings.ts';
import { openDaemonLogs } from '../cli/io/daemon-log.ts';
import type { Settings } from '../cli/settings.ts';
import type { Daemons, OpenedDaemon, Simulations, Terminal, Tiering, World } from '../cli/world.ts';
import { openDocuments } from './documents.ts';
import { openInventories } from './inventories.ts';
import { openMonitoringFiles } from './monitoring-files.ts';
import { openSecrets } from './secrets.ts';
import { version } from './version.ts';

/** What the commands see of this machine. Rooms that few commands need are loaded when they are used. */
export function openWorld(deps: {
  readonly settings: Settings;
  readonly terminal: Terminal;
}): World {
  const { settings, terminal } = deps;
  return {
    version,
    settings,
    terminal,
    cwd: process.cwd(),
    documents: openDocuments(process.cwd()),
    daemons: daemonsOf(settings, terminal),
    inventories: openInventories(process.cwd(), settings.stateDir.value),
    secrets: openSecrets(settings.stateDir.value),
    daemonLog: openDaemonLogs(settings.stateDir.value),
    monitoring: openMonitoringFiles(process.cwd()),
    tiering: tieringOf(process.cwd()),
    simulations: simulationsOf(process.cwd()),
    profiles: {
      ofProcess: async (...given) => (await import('./doctor-here.ts')).profileProcess(...given),
      ofContainer: async (...given) =>
        (await import('./doctor-here.ts')).profileContainer(...given),
    },
    look: async (forMs) => (await import('./doctor-here.ts')).lookHere(forMs),
    async saveFile(path, pieces) {
      const { saveFile } = await import('../cli/io/save-file.ts');
      return saveFile(resolve(process.cwd(), path), pieces);
    },
    now: () => Date.now(),
    note(sentence) {
      if (!settings.quiet.value) terminal.writeError(`berth: ${sentence}\n`);
    },
    onInterrupt,
  };
}

function tieringOf(cwd: string): Tiering {
  const opened = async () => (await import('./tiers.ts')).openTiering(cwd);
  return {
    plan: async (options) => (await opened()).plan(options),
    settle: async (...given) => (await opened()).settle(...given),
    move: async (...given) => (await opened()).move(...given),
    restore: async (...given) => (await opened()).restore(...given),
  };
}

function simulationsOf(cwd: string): Simulations {
  const opened = async () => (await import('./simulations.ts')).openSimulations(cwd);
  return {
    compare: async (...given) => (await opened()).compare(...given),
    sweep: async (...given) => (await opened()).sweep(...given),
  };
}

function daemonsOf(settings: Settings, terminal: Terminal): Daemons {
  const finding = () => import('../cli/io/find-daemon.ts');
  return {
    find: async () => (await finding()).findDaemon(settings),
    connect: async () => (await finding()).connectDaemon(settings),
    async spawn(options) {
      const { spawnDaemon } = await import('../cli/io/spawn-daemon.ts');
      return spawnDaemon(settings, options);
    },
    async open({ foreground, ...terms }): Promise<OpenedDaemon> {
      const { openDaemon } = await import('./daemon.ts');
      const daemon = await openDaemon({
        stateDir: settings.stateDir.value,
        port: terms.port.value,
        siteFile: terms.site.value,
        pricesFile: terms.prices.value,
        settings: daemonSettings({ ...settings, ...terms }),
        foreground,
        log: (line) => {
          if (foreground) terminal.writeError(`${line}\n`);
        },
      });
      const { openClient } = await import('../cli/io/open-client.ts');
      const client = openClient(async () => ({ kind: 'socket', path: daemon.socket }));
      return { client, closed: daemon.closed, close: () => daemon.close() };
    },
    loginLink: async (url) => (await finding()).loginLink(settings, url),
    isAlive(pid) {
      try {
        return process.kill(pid, 0);
      } catch (error) {
        // EPERM: it is there, and another user's.
        return error instanceof Error && 'code' in error && error.code === 'EPERM';
      }
    },
  };
}

type OnInterrupt = Parameters<World['onInterrupt']>[0];
const listeners: OnInterrupt[] = [];
const forward = (signal: NodeJS.Signals): void =>
  listeners.at(-1)?.(signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT');

/** While nobody listens, the signals end the process as usual. */
function onInterrupt(listener: OnInterrupt): () => void {
  if (listeners.length === 0) {
    process.on('SIGINT', forward);
    process.on('SIGTERM', forward);
  }
  listeners.push(listener);
  return () => {
    const at = listeners.indexOf(listener);
    if (at !== -1) listeners.splice(at, 1);
    if (listeners.length > 0) return;
    process.off('SIGINT', forward);
    process.off('SIGTERM', forward);
  };
}
