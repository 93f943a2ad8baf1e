import { z } from 'zod';
import type { Bytes } from '../../base/units.ts';
import { quantity, wholeNumber } from '../fields.ts';
import { parseBytes } from '../quantities.ts';
import { defineBlock } from './execution-block.ts';

const size = (description: string) =>
  quantity<Bytes>(parseBytes, {
    form: 'an amount of bytes',
    description,
    positive: true,
    finite: true,
  }).optional();

const schema = z
  .strictObject({
    nice: wholeNumber(-20, 19, {
      description: 'Lower goes first among processes that share CPUs.',
      default: 0,
    }).optional(),
    scheduler_policy: z
      .enum(['SCHED_OTHER', 'SCHED_BATCH', 'SCHED_IDLE'])
      .meta({ description: 'How the kernel schedules it.', default: 'SCHED_OTHER' })
      .optional(),
    io_class: z
      .enum(['best-effort', 'idle'])
      .meta({ description: '`idle`: reads and writes when nobody else does.' })
      .optional(),
    io_priority: wholeNumber(0, 7, {
      description: '0 goes first; only for the class best-effort.',
    }).optional(),
    oom_score_adjust: wholeNumber(-1000, 1000, {
      description: 'Higher is killed first when the host runs out of memory.',
      default: 0,
    }).optional(),
    cores: z
      .enum(['shared', 'exclusive'])
      .meta({
        description: '`exclusive`: whole cores that no other pinned task has.',
        default: 'shared',
      })
      .optional(),
    numa: z
      .enum(['any', 'preferred', 'bind', 'interleave'])
      .meta({
        description: 'Where its memory comes from, by the NUMA nodes of its cores.',
        default: 'any',
      })
      .optional(),
    enable_numa: z
      .boolean()
      .meta({ description: 'True is `numa: preferred`, false is `numa: any`.' })
      .optional(),
    enable_transparent_hugepages: z
      .boolean()
      .meta({ description: 'Whether the kernel may back its memory by huge pages unasked.' })
      .optional(),
    thread_variables: z
      .boolean()
      .meta({
        description: 'OMP_NUM_THREADS and its like are set to the CPUs that it holds.',
        default: true,
      })
      .optional(),
    memory_protection: z
      .enum(['soft', 'hard'])
      .meta({
        description:
          'The memory that it requests is not taken from it: `soft` while others have some to give, `hard` never.',
      })
      .optional(),
    memory_high: size('Above so much memory it is slowed down and made to give some back.'),
    oom_kill: z
      .enum(['process', 'task'])
      .meta({
        description: 'What dies at the memory limit: the largest process, or all of it.',
        default: 'process',
      })
      .optional(),
    huge_pages: size("Of the host's huge pages, at most so much of each size."),
    pressure: z
      .boolean()
      .meta({
        description: 'How long it stalled for CPU, memory and disks is measured for it alone.',
        default: false,
      })
      .optional(),
  })
  .meta({ description: 'How its processes are scheduled by the kernel.' });

const policies = { SCHED_OTHER: 'other', SCHED_BATCH: 'batch', SCHED_IDLE: 'idle' } as const;

export const processBlock = defineBlock({
  key: 'process',
  schema,
  read(block, path, problems) {
    const same =
      block.enable_numa === undefined ? undefined : block.enable_numa ? 'preferred' : 'any';
    if (same !== undefined && block.numa !== undefined && block.numa !== same) {
      const message = `says ${block.enable_numa}, but \`numa\` says ${block.numa}`;
      problems.push({ path: [...path, 'enable_numa'], message });
    }
    if (block.io_class === 'idle' && block.io_priority !== undefined) {
      const message = 'the class `idle` has no priorities';
      problems.push({ path: [...path, 'io_priority'], message });
    }
    const numa = block.numa ?? same;
    return {
      ...(block.nice !== undefined && { nice: block.nice }),
      ...(block.scheduler_policy && { policy: policies[block.scheduler_policy] }),
      ...((block.io_class !== undefined || block.io_priority !== undefined) && {
        ioPriority: { class: block.io_class ?? 'best-effort', level: block.io_priority ?? 4 },
      }),
      ...(block.oom_score_adjust !== undefined && { oomScoreAdjust: block.oom_score_adjust }),
      ...(block.cores && { cores: block.cores }),
      ...(numa && { numa }),
      ...(block.enable_transparent_hugepages !== undefined && {
        transparentHugePages: block.enable_transparent_hugepages,
      }),
      ...(block.thread_variables !== undefined && { threadVariables: block.thread_variables }),
      ...(block.memory_protection && { memoryProtection: block.memory_protection }),
      ...(block.memory_high !== undefined && { memoryHigh: block.memory_high }),
      ...(block.oom_kill && { oomKill: block.oom_kill }),
      ...(block.huge_pages !== undefined && { hugePages: block.huge_pages }),
      ...(block.pressure === true && { pressure: true }),
    };
  },
});
