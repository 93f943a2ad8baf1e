import { type ExportStep, exportFormats, exportSteps } from '../../api/contract/metric-site.ts';
import { OperationError } from '../../model/errors.ts';
import type { MetricExport } from '../client.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes } from '../format.ts';
import { LiveArea } from '../live-area.ts';
import type { World } from '../world.ts';

const SINCE_MS = 86_400_000;
/** How much is written between two looks at how far it is. */
const TOLD_BYTES = 1_048_576;

export const metricsExport = defineCommand({
  name: 'metrics export',
  group: 'Machine',
  summary: 'Write what was measured to a file, as CSV or JSON',
  details: [
    'Each row is a point: when it begins (milliseconds since 1970), and min, max, mean, last and count of its samples. The JSON is one document that says so itself. It is written as it comes, however much it is, and has its name once it is whole.',
  ],
  operand: {
    name: 'file',
    summary: 'where to; stdout when not given',
    required: false,
    many: false,
    complete: 'file',
  },
  options: {
    since: { kind: 'span', value: 'span', summary: 'so far back (24h)' },
    step: {
      kind: 'text',
      value: 'step',
      summary: '1s, 1m or 1h between points (1m); seconds are kept for a day',
    },
    format: { kind: 'text', value: 'format', summary: 'csv or json (csv)' },
    name: { kind: 'texts', value: 'name', summary: 'this metric only' },
  },
  json: '{file, bytes}',
  examples: [
    'berth metrics export --since 7d week.csv',
    'berth metrics export --step 1s --format json --name berth_node_load1 load.json',
  ],
  async run({ operands, options }, world) {
    const asked: MetricExport = {
      names: options.name,
      sinceMs: options.since ?? SINCE_MS,
      step: oneOf('step', options.step ?? '1m', Object.keys(exportSteps) as ExportStep[]),
      format: oneOf('format', options.format ?? 'csv', exportFormats),
    };
    const client = await world.daemons.connect();
    const pieces = client.exportMetrics(asked);
    const [file = '-'] = operands;
    if (file === '-') {
      return { document: null, view: () => [], exit: EXIT.ok, stream: pieces };
    }
    const bytes = await world.saveFile(file, toldOf(pieces, file, world));
    return {
      document: { file, bytes },
      view: () => [`${file}: ${formatBytes(bytes)}`],
      exit: EXIT.ok,
    };
  },
});

function oneOf<T extends string>(option: string, written: string, known: readonly T[]): T {
  const found = known.find((one) => one === written);
  if (found !== undefined) return found;
  const message = `--${option} ${JSON.stringify(written)} is not one of ${known.join(', ')}.`;
  throw new OperationError('USAGE', message);
}

/** Says how far it is, where a person looks on. */
async function* toldOf(
  pieces: AsyncIterable<string>,
  file: string,
  { terminal, settings }: World,
): AsyncIterable<string> {
  const isWatched = terminal.stderr.isTerminal && terminal.canRedraw && !settings.quiet.value;
  const area = new LiveArea((text) => terminal.writeError(text));
  let bytes = 0;
  let told = 0;
  try {
    for await (const piece of pieces) {
      yield piece;
      bytes += piece.length;
      if (!isWatched || bytes < told + TOLD_BYTES) continue;
      told = bytes;
      area.draw([`berth: ${file}: ${formatBytes(bytes)} so far`]);
    }
  } finally {
    area.clear();
  }
}
