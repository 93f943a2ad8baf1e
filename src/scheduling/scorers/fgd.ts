import { type NodeIndex, type NodeTable, WHOLE_GPU } from '../node-table.ts';
import type { Outlook } from '../outlook.ts';
import { defineScorer, SCORE_MAX } from '../scorer.ts';
import type { Ask } from '../shape.ts';
import { isShareChoice } from '../share-choice.ts';

/** Sums of shares may differ in their last digits where the published sums do not. */
const EPSILON = 1e-9;

/**
 * Fragmentation Gradient Descent (Weng et al., ATC'23). A hundred steps of the logistic function, as
 * published: most nodes tie, and the first of them fills up. Without the steps far more is stranded.
 */
export const fgd = defineScorer({
  name: 'fgd',
  what: 'The node where typical demand loses least idle GPU that it could have used.',
  looksAhead: true,
  score: (table, row, ask, outlook) => best(table, row, ask, outlook).step * (SCORE_MAX / 100),
  chooseShare: (table, row, ask, outlook) => best(table, row, ask, outlook).device,
});

function best(
  table: NodeTable,
  row: NodeIndex,
  ask: Ask,
  outlook: Outlook,
): { step: number; device: number } {
  const { fragmentation } = outlook.of(row) ?? {};
  if (fragmentation === undefined) return { step: HALF, device: -1 };
  const cpu = table.freeCpu(row);
  const before = fragmentation.usable(table, row, cpu);
  if (ask.gpu === 0 || ask.gpu >= WHOLE_GPU) {
    const devices = ask.gpu / WHOLE_GPU;
    const after = fragmentation.afterWhole(table, row, cpu - ask.cpu, devices);
    return { step: logisticStep(after + ask.gpu - before), device: -1 };
  }
  const free = table.freeGpu(row);
  let step = -1;
  let device = -1;
  for (let i = 0; i < free.length; i++) {
    const left = free[i]!;
    if (!isShareChoice(table, row, ask, i)) continue;
    const after = fragmentation.afterShare(table, row, cpu - ask.cpu, left, left - ask.gpu);
    const found = logisticStep(after + ask.gpu - before);
    if (found <= step) continue;
    step = found;
    device = i;
  }
  return { step, device };
}

const HALF = 50;

/** ln(k / (100 − k)) for k = 1 … 99, by the series of atanh: the same digits on every machine. */
const thresholds = Array.from({ length: 99 }, (_, i) => {
  const z = (2 * (i + 1) - 100) / 100;
  let power = z;
  let sum = 0;
  for (let n = 1; n < 2_001; n += 2) {
    sum += power / n;
    power *= z * z;
  }
  return 2 * sum;
});

/** ⌊100 / (1 + e^(−x / 1000))⌋: gained milli-GPU → 0 … 99. */
function logisticStep(gained: number): number {
  const x = gained / 1000 + EPSILON;
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (thresholds[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
