import { type NodeIndex, type NodeTable, WHOLE_GPU } from '../node-table.ts';
import type { KindOutlook, Outlook } from '../outlook.ts';
import { defineScorer, SCORE_MAX } from '../scorer.ts';
import type { Ask } from '../shape.ts';
import { isShareChoice } from '../share-choice.ts';

/**
 * Weights of what is lost, all in GPUs. Fragmentation is a forecast of the next ask only and so counts
 * least; a departure from the plan and a device of a scarce model stay lost until something ends.
 */
const STRANDED_WEIGHT = 2;
const PLAN_WEIGHT = 8;
const SCARCE_WEIGHT = 8;
/** Score of a placement that loses nothing, and steps per lost GPU for each GPU asked for. */
const NEUTRAL = 6_000;
const STEPS_PER_GPU = 400;

/**
 * Our own policy. A placement costs what it makes impossible: idle GPU that typical demand cannot use
 * (FGD), GPUs that the node's CPU or memory will not suffice for, worth lost against the best filling
 * of GPUs with shares, room for several whole GPUs on one node, and GPUs of a model that other demand
 * must have. Nothing in it is fitted to a trace: all is derived from typical demand and what is free.
 */
export const fillPlan = defineScorer({
  name: 'fill-plan',
  what: 'The node where least is lost to typical demand: GPU, CPU, memory, whole nodes, scarce models.',
  looksAhead: true,
  score: (table, row, ask, outlook) => best(table, row, ask, outlook).score,
  chooseShare: (table, row, ask, outlook) => best(table, row, ask, outlook).device,
});

interface Found {
  readonly score: number;
  readonly device: number;
}

function best(table: NodeTable, row: NodeIndex, ask: Ask, outlook: Outlook): Found {
  const kind = outlook.of(row);
  if (kind === undefined) return { score: SCORE_MAX, device: -1 };
  const stranded =
    kind.stranding.expected(
      table.freeGpuSum(row) - ask.gpu,
      table.freeCpu(row) - ask.cpu,
      table.freeMemory(row) - ask.memory,
    ) - kind.stranding.expected(table.freeGpuSum(row), table.freeCpu(row), table.freeMemory(row));
  if (ask.gpu === 0) {
    const lost = stranded + slotLoss(table, row, ask, outlook, 0);
    return { score: withoutGpu(lost, table.freeGpuSum(row)), device: -1 };
  }
  return ask.gpu < WHOLE_GPU
    ? bestShare(table, row, ask, outlook, kind, stranded)
    : wholeDevices(table, row, ask, outlook, kind, stranded);
}

function slotLoss(
  table: NodeTable,
  row: NodeIndex,
  ask: Ask,
  outlook: Outlook,
  devices: number,
): number {
  const whole = table.wholeGpus(row) - devices;
  const memory = table.freeMemory(row) - ask.memory;
  return outlook.slots.loss(row, whole, table.freeCpu(row) - ask.cpu, memory);
}

/** Asks without GPU: where least is lost, then where least GPU is left to lose. */
function withoutGpu(lost: number, freeGpu: number): number {
  const steps = Math.round(8_000 * Math.min(1, Math.max(0, lost)));
  return SCORE_MAX - steps - Math.round(3 * Math.min(600, freeGpu / WHOLE_GPU));
}

function wholeDevices(
  table: NodeTable,
  row: NodeIndex,
  ask: Ask,
  outlook: Outlook,
  kind: KindOutlook,
  stranded: number,
): Found {
  const devices = ask.gpu / WHOLE_GPU;
  const cpu = table.freeCpu(row);
  const { fragmentation, scarcity } = kind;
  const before = fragmentation.usable(table, row, cpu);
  const after = fragmentation.afterWhole(table, row, cpu - ask.cpu, devices);
  const lost =
    (before - after - ask.gpu) / WHOLE_GPU +
    STRANDED_WEIGHT * stranded +
    slotLoss(table, row, ask, outlook, devices);
  return { score: toScore(lost / devices + SCARCE_WEIGHT * scarcity), device: -1 };
}

function bestShare(
  table: NodeTable,
  row: NodeIndex,
  ask: Ask,
  outlook: Outlook,
  kind: KindOutlook,
  stranded: number,
): Found {
  const { fragmentation, scarcity } = kind;
  const cpu = table.freeCpu(row);
  const before = fragmentation.usable(table, row, cpu);
  const free = table.freeGpu(row);
  const everywhere = STRANDED_WEIGHT * stranded + SCARCE_WEIGHT * scarcity * (ask.gpu / WHOLE_GPU);
  let score = -1;
  let device = -1;
  for (let i = 0; i < free.length; i++) {
    const left = free[i]!;
    if (!isShareChoice(table, row, ask, i)) continue;
    const after = fragmentation.afterShare(table, row, cpu - ask.cpu, left, left - ask.gpu);
    const lost =
      (before - after - ask.gpu) / WHOLE_GPU +
      PLAN_WEIGHT * outlook.prices.loss(left, ask.gpu) +
      slotLoss(table, row, ask, outlook, left === WHOLE_GPU ? 1 : 0);
    const found = toScore(lost + everywhere);
    if (found <= score) continue;
    score = found;
    device = i;
  }
  return { score, device };
}

const toScore = (lost: number): number =>
  Math.max(0, Math.min(SCORE_MAX, NEUTRAL - Math.round(STEPS_PER_GPU * lost)));
