import type { Command } from './command.ts';
import { adjust } from './commands/adjust.ts';
import { alerts } from './commands/alerts.ts';
import { alertsRules } from './commands/alerts-rules.ts';
import { alertsSilence } from './commands/alerts-silence.ts';
import { alertsTest } from './commands/alerts-test.ts';
import { alertsUnsilence } from './commands/alerts-unsilence.ts';
import { budget } from './commands/budget.ts';
import { cacheClear } from './commands/cache-clear.ts';
import { cacheList } from './commands/cache-list.ts';
import { cancel } from './commands/cancel.ts';
import { check } from './commands/check.ts';
import { completion } from './commands/completion.ts';
import { configExplain } from './commands/config-explain.ts';
import { doctor } from './commands/doctor.ts';
import { down } from './commands/down.ts';
import { drill } from './commands/drill.ts';
import { help } from './commands/help.ts';
import { importCommand } from './commands/import.ts';
import { incidents } from './commands/incidents.ts';
import { inventory } from './commands/inventory.ts';
import { inventoryBaseline } from './commands/inventory-baseline.ts';
import { inventoryDiff } from './commands/inventory-diff.ts';
import { kpi } from './commands/kpi.ts';
import { logs } from './commands/logs.ts';
import { metrics } from './commands/metrics.ts';
import { metricsDrift } from './commands/metrics-drift.ts';
import { metricsExport } from './commands/metrics-export.ts';
import { metricsHistory } from './commands/metrics-history.ts';
import { monitoringExport } from './commands/monitoring-export.ts';
import { network } from './commands/network.ts';
import { pause } from './commands/pause.ts';
import { pool } from './commands/pool.ts';
import { prices } from './commands/prices.ts';
import { pricesImport } from './commands/prices-import.ts';
import { profile } from './commands/profile.ts';
import { ps } from './commands/ps.ts';
import { queue } from './commands/queue.ts';
import { quota } from './commands/quota.ts';
import { rebalance } from './commands/rebalance.ts';
import { report } from './commands/report.ts';
import { reportList } from './commands/report-list.ts';
import { reportShow } from './commands/report-show.ts';
import { reserve } from './commands/reserve.ts';
import { resume } from './commands/resume.ts';
import { retry } from './commands/retry.ts';
import { run } from './commands/run.ts';
import { scale } from './commands/scale.ts';
import { secretList } from './commands/secret-list.ts';
import { secretRemove } from './commands/secret-remove.ts';
import { secretSet } from './commands/secret-set.ts';
import { sim } from './commands/sim.ts';
import { specSchema } from './commands/spec-schema.ts';
import { status } from './commands/status.ts';
import { submit } from './commands/submit.ts';
import { suggest } from './commands/suggest.ts';
import { tierPlan } from './commands/tier-plan.ts';
import { tierRestore } from './commands/tier-restore.ts';
import { tokenAdd } from './commands/token-add.ts';
import { tokenList } from './commands/token-list.ts';
import { tokenRevoke } from './commands/token-revoke.ts';
import { top } from './commands/top.ts';
import { trace } from './commands/trace.ts';
import { transfer } from './commands/transfer.ts';
import { transferCancel } from './commands/transfer-cancel.ts';
import { transferClean } from './commands/transfer-clean.ts';
import { transferList } from './commands/transfer-list.ts';
import { up } from './commands/up.ts';
import { update } from './commands/update.ts';
import { usage } from './commands/usage.ts';
import { version } from './commands/version.ts';
import { wait } from './commands/wait.ts';
import { whatif } from './commands/whatif.ts';
import { why } from './commands/why.ts';

/** Every command, in the order of help and reference. */
export const registry: readonly Command[] = [
  run,
  submit,
  ps,
  logs,
  why,
  wait,
  cancel,
  retry,
  whatif,
  adjust,
  pause,
  resume,
  rebalance,
  scale,
  update,
  queue,
  quota,
  budget,
  prices,
  usage,
  suggest,
  doctor,
  profile,
  kpi,
  report,
  reportList,
  reportShow,
  incidents,
  reserve,
  sim,
  monitoringExport,
  network,
  trace,
  transfer,
  transferList,
  transferCancel,
  transferClean,
  top,
  pool,
  up,
  down,
  status,
  cacheList,
  cacheClear,
  secretSet,
  secretList,
  secretRemove,
  tokenAdd,
  tokenList,
  tokenRevoke,
  inventory,
  inventoryDiff,
  inventoryBaseline,
  metrics,
  metricsHistory,
  metricsDrift,
  metricsExport,
  alerts,
  alertsRules,
  alertsSilence,
  alertsUnsilence,
  alertsTest,
  tierPlan,
  tierRestore,
  check,
  importCommand,
  pricesImport,
  drill,
  specSchema,
  configExplain,
  completion(() => registry),
  version,
  help(() => registry),
];
