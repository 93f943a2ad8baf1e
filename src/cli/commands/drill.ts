import type { DrillTerms } from '../../model/drill.ts';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { type DrillRun, renderDrill } from '../drill-view.ts';
import { EXIT } from '../exit-codes.ts';
import type { World } from '../world.ts';

const SEEDS_MAX = 1_000;
const SEEDS = 3;

export const drill = defineCommand({
  name: 'drill',
  group: 'Files and settings',
  summary: 'Play a failure through on a made-up site, as it is and with each cure',
  details: [
    'The file says which machines and jobs there are, what fails, and which variants are compared: docs/guides/drills.md. Everything happens in virtual time in the engine that runs real work; nothing of a real site is touched, and no daemon is needed.',
    'Chance differs from seed to seed, and is the same for all variants of one seed. What is shown is the mean over seeds; --json has each run.',
  ],
  operand: {
    name: 'file',
    summary: 'the drill; - reads stdin',
    required: true,
    many: false,
    complete: 'file',
  },
  options: {
    seeds: {
      kind: 'count',
      value: 'n',
      min: 1,
      max: SEEDS_MAX,
      summary: `each variant so often, with other chance (${SEEDS})`,
    },
    variant: {
      kind: 'texts',
      value: 'name',
      summary: 'only this variant; may be given several times',
    },
  },
  json: '{name, what, runs: [{variant, seed, outcome}, …]}',
  examples: ['berth drill examples/drills/overload-cascade.yaml --seeds 5'],
  async run({ operands: [file = ''], options }, world) {
    const terms = await readDrill(file, world);
    const { name, what } = terms;
    const variants = chosen(terms, options.variant);
    const { runDrill } = await import('../../simulation/drills/run-drill.ts');
    const runs: DrillRun[] = [];
    for (const variant of variants) {
      for (let seed = 1; seed <= (options.seeds ?? SEEDS); seed++) {
        const played = runDrill(terms, { variant, seed });
        if ('why' in played) throw new OperationError('USAGE', played.why);
        runs.push({ variant: variant.name, seed, outcome: played.outcome });
      }
    }
    return {
      document: { name, what, runs },
      view: (page) => renderDrill(page, terms, runs),
      exit: EXIT.ok,
    };
  },
});

async function readDrill(file: string, world: World): Promise<DrillTerms> {
  const { text, fileName } = await world.documents.read(file);
  const { parseDrill } = await import('../../spec/drill-document.ts');
  const parsed = parseDrill(text);
  if (parsed.ok) return parsed.drill;
  const { formatIssues } = await import('../../spec/format-issues.ts');
  const report = formatIssues(parsed.issues, text, fileName);
  throw new OperationError('SPEC_INVALID', `${fileName} is not valid:\n\n${report}`, {
    issues: parsed.issues,
    hint: 'docs/guides/drills.md has all keys.',
  });
}

function chosen({ variants }: DrillTerms, wanted: readonly string[]): DrillTerms['variants'] {
  if (wanted.length === 0) return variants;
  return wanted.map((name) => {
    const found = variants.find((variant) => variant.name === name);
    if (found !== undefined) return found;
    const names = variants.map((variant) => variant.name).join(', ');
    throw new OperationError('USAGE', `No variant is called ${name}; there are ${names}.`);
  });
}
