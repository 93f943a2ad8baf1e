import { existsSync } from 'node:fs';
import { join } from 'node:path';

const data = process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data');
/** A recorded /proc, with the metrics that node_exporter makes of it beside it. */
export const nodeExporter = join(data, 'hosts/node_exporter');
export const recordedProc = join(nodeExporter, 'proc');
export const otherProc = join(data, 'hosts/misc/proc');

export const withoutData = existsSync(recordedProc)
  ? false
  : 'the recorded hosts are not here (BERTH_DATA)';
