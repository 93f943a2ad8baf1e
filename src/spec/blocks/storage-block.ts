import { z } from 'zod';
import type { Bytes } from '../../base/units.ts';
import type { SpacePhase } from '../../model/constraints.ts';
import type { StorageTerms, VolumeUse } from '../../model/execution-terms.ts';
import { either, quantity, text } from '../fields.ts';
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

const volumeName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, { error: 'letters, digits, _ and -, at most 63' })
  .meta({ description: 'Kept by this name from one workload to the next.' });

export const volumeSchema = z.strictObject({
  name: volumeName,
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

/** In a document: all of it, or what of a volume of the site is otherwise. */
const volume = either(
  volumeName,
  volumeSchema.extend({
    size: volumeSchema.shape.size.optional(),
    mount_path: volumeSchema.shape.mount_path.optional(),
  }),
  'the name of a volume of the site, or a map with name, size and mount_path',
  { description: 'A volume: of the site by its name alone, or one of its own.' },
);

export const scratchSchema = z
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
  .meta({ description: 'A folder of its own, in BERTH_SCRATCH and TMPDIR.' });

const schema = z
  .strictObject({
    volumes: z
      .array(volume)
      .max(VOLUMES_MAX)
      .meta({ description: 'Folders that outlive the task.' })
      .optional(),
    temp_storage: scratchSchema.optional(),
  })
  .meta({ description: 'Volumes and scratch space.' });

export const storageBlock = defineBlock({
  key: 'storage',
  schema,
  read(block, path, problems) {
    const written = (block.volumes ?? []).map((one) =>
      typeof one === 'string' ? { name: one } : one,
    );
    const volumes = volumesOf(written, path, problems);
    const temp = block.temp_storage;
    if (temp !== undefined) problems.push(...scratchProblems(temp, [...path, 'temp_storage']));
    return { volumes, ...(temp && { scratch: scratchOf(temp) }) };
  },
});

interface WrittenVolume {
  readonly name: string;
  readonly size?: Bytes | undefined;
  readonly type?: string | undefined;
  readonly mount_path?: string | undefined;
  readonly read_only?: boolean | undefined;
}

/** What is not said of one is the site's: see `withSiteStorage`. */
export function volumesOf(
  written: readonly WrittenVolume[],
  path: Path,
  problems: Problem[],
): VolumeUse[] {
  const volumes = written.map(({ name, size: own, type, mount_path, read_only }) => ({
    name,
    size: own ?? UNSAID_SIZE,
    ...(type !== undefined && { storageClass: type }),
    mountPath: mount_path ?? '',
    readOnly: read_only ?? false,
  }));
  for (const key of ['name', 'mountPath'] as const) {
    volumes.forEach((one, i) => {
      const first = volumes.findIndex((other) => other[key] === one[key]);
      if (one[key] === '' || first === i) return;
      const message = `another volume has ${one[key]}, too`;
      problems.push({ path: [...path, 'volumes', i], message });
    });
  }
  return volumes;
}

/** Of a volume of the site, which says it. */
export const UNSAID_SIZE = 0 as Bytes;

type ScratchBlock = z.output<typeof scratchSchema>;

const peakOf = ({ phases = [] }: ScratchBlock): Bytes =>
  phases.reduce((most, { size: own }) => (own > most ? own : most), 0 as Bytes);

const phaseOf = ({ name, size: own, for: forMs }: z.output<typeof phase>): SpacePhase => ({
  name,
  bytes: own,
  ...(forMs !== undefined && { forMs }),
});

export function scratchProblems(temp: ScratchBlock, path: Path): Problem[] {
  const { size: whole, phases = [] } = temp;
  if (whole === undefined && phases.length === 0) {
    return [{ path, message: 'it needs a `size`, or `phases` with theirs' }];
  }
  const found: Problem[] = [];
  if (temp.cleanup !== undefined && temp.cleanup_policy !== undefined) {
    const message = '`cleanup_policy` is given, too, and they are the same thing';
    found.push({ path: [...path, 'cleanup'], message, at: 'key' });
  }
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

export function scratchOf(temp: ScratchBlock): NonNullable<StorageTerms['scratch']> {
  const said = temp.cleanup_policy ?? temp.cleanup ?? 'immediate';
  return {
    size: temp.size ?? peakOf(temp),
    ...(temp.phases && { phases: temp.phases.map(phaseOf) }),
    cleanup: said === 'on_success' ? 'on-success' : said,
  };
}
