import { resolve } from 'node:path';
import { formatBytes, formatDollars } from '../../base/format.ts';
import { OperationError } from '../../model/errors.ts';
import type { BreakEven, TierMove } from '../../planning/tiers.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Page } from '../page.ts';
import { readTierConfig } from '../read-tiers.ts';
import { type Column, renderTable } from '../table.ts';
import type { Relocation, TierReport, World } from '../world.ts';

const SHOWN_MAX = 50;
const DAY_MS = 86_400_000;

export const tierPlan = defineCommand({
  name: 'tier plan',
  group: 'Machine',
  summary: 'Say which files belong in a colder or hotter folder, and move them with --apply',
  details: [
    'How often a file is used is what --uses counts, or the time since its last access. Where the file system does not keep that, nobody knows: such files stay, unless --by-mtime takes the last write for the last use.',
    'A file that is moved leaves a link; one that is compressed leaves NAME.berth.zst, and is to be restored before it is read. Files that are open, have two names or changed meanwhile stay. What a crash cut off is ended by the next --apply.',
  ],
  operand: { name: 'dir', summary: 'folders', required: true, many: true, complete: 'file' },
  options: {
    tiers: { kind: 'text', value: 'file', summary: 'the tiers: see docs/guides/tiers.md' },
    uses: {
      kind: 'text',
      value: 'file',
      summary: 'lines of NUMBER PATH: uses a day that were counted',
    },
    'by-mtime': { kind: 'flag', summary: 'without access times, go by the last write' },
    apply: { kind: 'flag', summary: 'move them' },
  },
  json: '{folders: [{root, plan, skipped, leftovers, settled, moved}, …]}; money in micro-dollars',
  examples: [
    'berth tier plan /data --tiers tiers.yaml',
    'berth tier plan /data --tiers tiers.yaml --apply',
  ],
  async run({ operands, options }, world) {
    const config = await readTierConfig(options.tiers, world);
    const perDay = await readUses(options.uses, world);
    const folders: (TierReport & {
      readonly settled: readonly string[];
      readonly moved: readonly Relocation[];
    })[] = [];
    for (const folder of operands) {
      const settled = options.apply ? await world.tiering.settle(folder, config) : [];
      for (const sentence of settled) world.note(sentence);
      const now = world.now();
      const byMtime = options['by-mtime'];
      const report = await world.tiering.plan({ folder, config, byMtime, perDay, now });
      const { moves } = report.plan;
      const moved = options.apply ? await world.tiering.move(folder, config, moves) : [];
      folders.push({ ...report, settled, moved });
    }
    const failed = folders.some(({ moved }) => moved.some(({ why }) => why !== undefined));
    return {
      document: { folders: folders.map(asDocument) },
      view: (page) =>
        folders.flatMap((one) => [...renderReport(page, one), ...movedLines(one.moved)]),
      exit: failed ? EXIT.workloadFailed : EXIT.ok,
    };
  },
});

/** JSON has no infinity. */
const asDocument = (report: TierReport): object => ({
  ...report,
  plan: {
    ...report.plan,
    breakEven: report.plan.breakEven.map(({ perDay, ...tiers }) => ({
      ...tiers,
      perDay: perDay === undefined ? 'unknown' : Number.isFinite(perDay) ? perDay : 'never',
    })),
  },
});

async function readUses(
  file: string | undefined,
  world: World,
): Promise<ReadonlyMap<string, number>> {
  if (file === undefined) return new Map();
  const { text } = await world.documents.read(file);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return new Map(
    lines.map((line) => {
      const [, number = '', path] = /^\s*(\d+(?:\.\d+)?)\s+(\S.*)$/.exec(line) ?? [];
      if (path !== undefined) return [resolve(world.cwd, path), Number(number)];
      throw new OperationError(
        'USAGE',
        `${file}: ${JSON.stringify(line.slice(0, 60))} is not NUMBER PATH.`,
      );
    }),
  );
}

const columns: readonly Column[] = [
  { title: 'FILE', min: 20 },
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'SIZE', align: 'right' },
  { title: 'USED', drop: 1 },
  { title: 'SAVES/MONTH', align: 'right', drop: 2 },
];

function renderReport(page: Page, { root, plan, skipped, leftovers }: TierReport): string[] {
  const { moves, notWorth, unknown, bytes, saved, breakEven } = plan;
  const rows = moves.slice(0, SHOWN_MAX).map((move) => rowOf(root, move));
  const saves = saved === undefined ? 'unknown' : formatDollars(saved);
  return [
    `${root}: ${moves.length} to move, ${formatBytes(bytes)}; saves ${saves} a month`,
    ...(rows.length === 0 ? [] : renderTable(page, columns, rows)),
    ...(moves.length > SHOWN_MAX ? [`and ${moves.length - SHOWN_MAX} more; --json has all`] : []),
    ...(notWorth.length > 0
      ? [`${notWorth.length} stay, because reading them there would cost more than it saves`]
      : []),
    ...(unknown > 0 ? [`${unknown} stay: nobody knows when they were used`] : []),
    ...(skipped.length > 0
      ? [`${skipped.length} are left alone, such as ${skipped[0]!.path}: ${skipped[0]!.why}`]
      : []),
    ...(leftovers > 0 ? [`${leftovers} left by a move that was cut off: --apply ends it`] : []),
    ...breakEven.flatMap(breakEvenLine),
  ];
}

function rowOf(root: string, move: TierMove): string[] {
  const { path, tier, to, bytes, storageSaved, accessCost = 0 } = move;
  const saves = storageSaved === undefined ? 'unknown' : formatDollars(storageSaved - accessCost);
  return [path.slice(root.length + 1), tier, to, formatBytes(bytes), usedOf(move), saves];
}

function usedOf({ by, perDay, idleMs }: TierMove): string {
  if (perDay !== undefined) return `${perDay} a day`;
  const days = Math.floor((idleMs ?? 0) / DAY_MS);
  return by === 'mtime' ? `written ${days}d ago, reads unknown` : `not for ${days}d`;
}

function breakEvenLine({ dearer, cheaper, perDay }: BreakEven): string[] {
  if (perDay === undefined) return [];
  if (perDay === 0) return [`${dearer} never costs more than ${cheaper}`];
  if (!Number.isFinite(perDay))
    return [`${cheaper} costs less than ${dearer}, however often files are read`];
  return [`${dearer} costs less than ${cheaper} from ${perDay.toPrecision(3)} reads a day on`];
}

const movedLines = (moved: readonly Relocation[]): string[] => [
  ...moved.flatMap(({ path, why }) => (why === undefined ? [] : [`${path} stays: ${why}`])),
  ...(moved.length === 0 ? [] : [`${moved.filter(({ why }) => why === undefined).length} moved`]),
];
