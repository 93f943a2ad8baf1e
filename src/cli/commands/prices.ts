import type { PriceList } from '../../api/contract/money-documents.ts';
import { formatDollars } from '../../base/format.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { glyph, type Page } from '../page.ts';
import { type Column, renderTable } from '../table.ts';
import { printable } from '../text.ts';

export const prices = defineCommand({
  name: 'prices',
  group: 'Work',
  summary: 'Show what things cost here, from which day on',
  details: [
    'Prices come from the file of `berth up --prices FILE`. What has no price is unknown, not free.',
    'Prices of spot nodes are those that were told last, with who told them.',
  ],
  options: {},
  json: 'PriceList: {now, file, rates, spot, models}; amounts are micro-dollars',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const list = await client.prices();
    return { document: list, view: (page) => renderPrices(list, page), exit: EXIT.ok };
  },
});

const rateColumns: readonly Column[] = [
  { title: 'FROM' },
  { title: 'WHAT', min: 10 },
  { title: 'PRICE', align: 'right' },
];
const modelColumns: readonly Column[] = [
  { title: 'MODEL', min: 10 },
  { title: 'PROVIDER', min: 6, drop: 2 },
  { title: 'FROM', drop: 1 },
  { title: 'IN/M', align: 'right' },
  { title: 'OUT/M', align: 'right' },
];

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

const spotColumns: readonly Column[] = [
  { title: 'SPOT NODES', min: 10 },
  { title: 'NOW', align: 'right' },
  { title: 'BASE', align: 'right' },
  { title: '× BASE', align: 'right' },
  { title: 'AT MOST', align: 'right', drop: 1 },
  { title: 'SOURCE', min: 6, drop: 2 },
];

function renderSpot(spot: PriceList['spot'], page: Page): readonly string[] {
  if (spot.length === 0) return [];
  const rows = spot.map(({ type, price, base, most, source }) => [
    printable(type ?? 'all others'),
    formatDollars(price),
    formatDollars(base),
    (price / base).toFixed(2),
    most === null ? 'any' : formatDollars(most),
    printable(source),
  ]);
  return renderTable(page, spotColumns, rows);
}

function renderPrices(list: PriceList, page: Page): readonly string[] {
  const spot = renderSpot(list.spot, page);
  const rest = renderTables(list, page);
  return [...rest, ...(rest.length > 0 && spot.length > 0 ? [''] : []), ...spot];
}

function renderTables({ file, rates, models }: PriceList, page: Page): readonly string[] {
  if (file === null)
    return ['Nothing has a price: start the daemon with `berth up --prices FILE`.'];
  const price = (amount: number | null): string =>
    amount === null ? glyph(page, 'unknown') : formatDollars(amount);
  const rows = rates.flatMap((one) => [
    [day(one.valid_from), 'a CPU for an hour', price(one.cpu_hour)],
    [day(one.valid_from), 'a GiB of memory for an hour', price(one.memory_gib_hour)],
    ...Object.entries(one.gpu_hour).map(([model, amount]) => [
      day(one.valid_from),
      `a GPU ${model} for an hour`,
      price(amount),
    ]),
    [day(one.valid_from), 'any other GPU for an hour', price(one.other_gpu_hour)],
    [day(one.valid_from), 'a GiB of storage for a month', price(one.storage_gib_month)],
    ...(one.kilowatt_hour === null
      ? []
      : [[day(one.valid_from), 'a kilowatt-hour', price(one.kilowatt_hour)]]),
    ...(one.spot_factor === null
      ? []
      : [[day(one.valid_from), 'on spot nodes', `× ${one.spot_factor}`]]),
  ]);
  return [
    ...(rows.length === 0 ? [] : renderTable(page, rateColumns, rows)),
    ...(rows.length > 0 && models.length > 0 ? [''] : []),
    ...(models.length === 0
      ? []
      : renderTable(
          page,
          modelColumns,
          models.map((one) => [
            one.model,
            one.provider ?? glyph(page, 'unknown'),
            day(one.valid_from),
            price(one.input_per_million),
            price(one.output_per_million),
          ]),
        )),
  ];
}
