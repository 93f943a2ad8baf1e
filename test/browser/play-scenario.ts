// Serves a scenario that goes on in real time, to look at: node test/browser/play-scenario.ts busyLab [port] [page]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServer } from '../../src/api/io/server.ts';
import { parseWords } from '../api/open-site.ts';
import type { ScenarioSite } from '../api/scenario-site.ts';
import { heavyScenarios, scenarios } from '../api/scenarios.ts';
import { leaseSite } from '../builders/lease-site.ts';
import { noAlerts } from '../builders/no-alerts.ts';
import { noDoctor } from '../builders/no-doctor.ts';
import { noExposition } from '../builders/no-exposition.ts';
import { noMetrics } from '../builders/no-metrics.ts';
import { noMoney } from '../builders/no-money.ts';
import { noReports } from '../builders/no-reports.ts';
import { noSettings } from '../builders/no-settings.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { noTransfers } from '../builders/no-transfers.ts';
import { noWhatIf } from '../builders/no-what-if.ts';

const built = new URL('../../dist/web', import.meta.url).pathname;
const [name = 'busyLab', port = '7171', webDir = built] = process.argv.slice(2);
const all: Readonly<Record<string, () => ScenarioSite>> = { ...scenarios, ...heavyScenarios };
const make = all[name];
if (make === undefined) {
  process.stderr.write(`no such scenario; there are ${Object.keys(all).join(', ')}\n`);
  process.exit(64);
}
const folder = mkdtempSync(join(tmpdir(), 'berth-scenario-'));
const site = make();
const server = await openServer({
  site,
  leases: leaseSite().leases,
  transfers: noTransfers,
  ...noMetrics,
  ...noMoney,
  ...noDoctor,
  ...noReports,
  ...noWhatIf,
  ...noSettings,
  ...noExposition,
  alerts: noAlerts,
  ...noTokens,
  token: 'scenario',
  socketPath: join(folder, 'berth.sock'),
  host: '127.0.0.1',
  port: Number(port),
  webDir,
  parse: parseWords,
  log: (sentence, error) => process.stderr.write(`${sentence} ${String(error ?? '')}\n`),
});
process.stdout.write(`${server.url}/login?token=scenario\n`);
const clock = setInterval(() => site.advance(1_000), 1_000);
process.once('SIGINT', async () => {
  clearInterval(clock);
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
