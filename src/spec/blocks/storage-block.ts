import { z } from 'zod';
import type { Bytes } from '../../base/units.ts';
import type { SpacePhase } from '../../model/constraints.ts';
import type { StorageTerms } from '../../model/execution-terms.ts';
import { quantity, text } from '../fields.ts';
import type { Path, Problem } from '../issue.ts';
import { parseBytes, parseSpan, printBytes } from '../quantities.ts';
import { defineBlock } from './execution-block.ts';

const VOLUMES_MAX = 64;
const PHASES_MAX = 16;

const size = (description: string) =>
  quantity(parseBytes, {
    description,
    form: 'bytes such as 100Gi',
    positive: true,
    finite: true,
  });
/** The seed writes `on_success`; both spellings mean the same. */
const cleanup = z
  .enum(['immediate', 'on_success', 'on-success', 'never'])
  .meta({
    description: 'When it goes: at the end; at the end of success; never.',
    default: 'immediate',
  })
  .optional();

const volume = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, { error: 'letters, digits, _ and -, at most 63' })
    .meta({ description: 'Kept by this name from one workload to the next.' }),
  size: size('It is not to grow beyond this.'),
  type: text({
    description: 'Class of storage of the site, such as ssd; any, when not given.',
    max: 63,
    filled: true,
    oneLine: true,
  }).optional(),
  mount_path: z
    .string()
    .regex(/^\/(?!.*(\/\/|(^|\/)\.\.?(\/|$)))[^\p{Cc}]{1,4094}$/u, {
      error: 'an absolute path below /',
    })
    .transform((written) => written.replace(/\/$/, ''))
    .meta({ description: 'Where the task finds it.' }),
  read_only: z.boolean().meta({ description: 'It cannot write it.', default: false }).optional(),
});

const phase = z.strictObject({
  name: text({ description: 'For people.', max: 63, filled: true, oneLine: true }),
  size: size('The most that it holds during this phase.'),
  for: quantity(parseSpan, {
    description: 'How long the phase lasts at most; the last one lasts to the end of the task.',
    form: 'span such as 90s, 5m or 2h; a bare number is seconds',
    positive: true,
    finite: true,
  }).optional(),
});

const scratch = z
  .strictObject({
    size: size(
      'It is not to grow beyond this: a task that does is ended. As large as the largest phase, when not given.',
    ).optional(),
    phases: z
      .array(phase)
      .min(1)
      .max(PHASES_MAX)
      .meta({
        description:
          'What it does one after the other: tasks are let in by what all hold at the peaks of their phases.',
      })
      .optional(),
    cleanup_policy: cleanup,
    cleanup,
  })
  .meta({ description: 'A folder of its own, in BERTH_SCRATCH and TMPDIR.' })
  .optional();

const schema = z
  .strictObject({
    volumes: z
      .array(volume)
      .max(VOLUMES_MAX)
      .meta({ description: 'Folders that outlive the task.' })
      .optional(),
    temp_storage: scratch,
  })
  .meta({ description: 'Volumes and scratch space.' });

export const storageBlock = defineBlock({
  key: 'storage',
  schema,
  read(block, path, problems) {
    const volumes = (block.volumes ?? []).map(({ name, size, type, mount_path, read_only }) => ({
      name,
      size,
      ...(type !== undefined && { storageClass: type }),
      mountPath: mount_path,
      readOnly: read_only ?? false,
    }));
    for (const key of ['name', 'mountPath'] as const) {
      volumes.forEach((one, i) => {
        if (volumes.findIndex((other) => other[key] === one[key]) === i) return;
        const message = `another volume has ${one[key]}, too`;
        problems.push({ path: [...path, 'volumes', i], message });
      });
    }
    const temp = block.temp_storage;
    if (temp?.cleanup !== undefined && temp.cleanup_policy !== undefined) {
      const message = '`cleanup_policy` is given, too, and they are the same thing';
      problems.push({ path: [...path, 'temp_storage', 'cleanup'], message, at: 'key' });
    }
    if (temp !== undefined) problems.push(...scratchProblems(temp, [...path, 'temp_storage']));
    return { volumes, ...(temp && { scratch: scratchOf(temp) }) };
  },
});

const peakOf = ({ phases = [] }: z.output<typeof scratch> & object): Bytes =>
  phases.reduce((most, { size: own }) => (own > most ? own : most), 0 as Bytes);

const phaseOf = ({ name, size: own, for: forMs }: z.output<typeof phase>): SpacePhase => ({
  name,
  bytes: own,
  ...(forMs !== undefined && { forMs }),
});

function scratchProblems(temp: z.output<typeof scratch> & object, path: Path): Problem[] {
  const { size: whole, phases = [] } = temp;
  if (whole === undefined && phases.length === 0) {
    return [{ path, message: 'it needs a `size`, or `phases` with theirs' }];
  }
  const found: Problem[] = [];
  phases.forEach((one, i) => {
    if (whole !== undefined && one.size > whole) {
      const message = `it is more than the \`size\` of ${printBytes(whole)}`;
      found.push({ path: [...path, 'phases', i, 'size'], message });
    }
    if (one.for === undefined && i < phases.length - 1) {
      const message = 'only the last phase lasts to the end: say `for` how long this one does';
      found.push({ path: [...path, 'phases', i], message });
    }
  });
  return found;
}

function scratchOf(
  temp: NonNullable<z.output<typeof scratch>>,
): NonNullable<StorageTerms['scratch']> {
  const said = temp.cleanup_policy ?? temp.cleanup ?? 'immediate';
  return {
    size: temp.size ?? peakOf(temp),
    ...(temp.phases && { phases: temp.phases.map(phaseOf) }),
    cleanup: said === 'on_success' ? 'on-success' : said,
  };
}
