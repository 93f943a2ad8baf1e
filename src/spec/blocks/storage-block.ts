import { z } from 'zod';
import type { StorageTerms } from '../../model/execution-terms.ts';
import { quantity, text } from '../fields.ts';
import { parseBytes } from '../quantities.ts';
import { defineBlock } from './execution-block.ts';

const VOLUMES_MAX = 64;

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

const scratch = z
  .strictObject({
    size: size('It is not to grow beyond this: a task that does is ended.'),
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
    return { volumes, ...(temp && { scratch: scratchOf(temp) }) };
  },
});

function scratchOf(
  temp: NonNullable<z.output<typeof scratch>>,
): NonNullable<StorageTerms['scratch']> {
  const said = temp.cleanup_policy ?? temp.cleanup ?? 'immediate';
  return {
    size: temp.size,
    cleanup: said === 'on_success' ? 'on-success' : said,
  };
}
