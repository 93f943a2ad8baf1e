// Serves a scenario that goes on in real time, to look at: node test/browser/play-scenario.ts busyLab [port]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServer } from '../../src/api/io/server.ts';
import { parseWords } from '../api/open-site.ts';
import { scenarios } from '../api/scenarios.ts';
import { leaseSite } from '../builders/lease-site.ts';
import { noAlerts } from '../builders/no-alerts.ts';
import { noDoctor } from '../builders/no-doctor.ts';
import { noExposition } from '../builders/no-exposition.ts';
import { noMetrics } from '../builders/no-metrics.ts';
import { noMoney } from '../builders/no-money.ts';
import { noReports } from '../builders/no-reports.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { noTransfers } from '../builders/no-transfers.ts';
import { noWhatIf } from '../builders/no-what-if.ts';

const [name = 'busyLab', port = '7171'] = process.argv.slice(2);
const make = scenarios[name as keyof typeof scenarios];
if (make === undefined) {
  process.stderr.write(`no such scenario; there are ${Object.keys(scenarios).join(', ')}\n`);
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
  ...noExposition,
  alerts: noAlerts,
  ...noTokens,
  token: 'scenario',
  socketPath: join(folder, 'berth.sock'),
  host: '127.0.0.1',
  port: Number(port),
  webDir: new URL('../../dist/web', import.meta.url).pathname,
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
