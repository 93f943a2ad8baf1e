import type { ArchitectureFamily } from './cpuinfo.ts';

/** The x86-64 psABI levels, each with what it adds; `abm` is how Linux writes LZCNT, `pni` SSE3. */
const X86_LEVELS: readonly (readonly [string, readonly string[]])[] = [
  ['x86-64-v1', ['cmov', 'cx8', 'fpu', 'fxsr', 'mmx', 'sse', 'sse2', 'syscall', 'lm']],
  ['x86-64-v2', ['cx16', 'lahf_lm', 'popcnt', 'pni', 'sse4_1', 'sse4_2', 'ssse3']],
  ['x86-64-v3', ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave']],
  ['x86-64-v4', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
];

/** Flags that decide how fast numeric code runs, as Linux writes them. */
const NUMERIC = new Set([
  ...[
    'sse4_1',
    'sse4_2',
    'avx',
    'avx2',
    'fma',
    'f16c',
    'avx_vnni',
    'avx_ifma',
    'avx10',
    'aes',
    'sha_ni',
  ],
  ...['amx_tile', 'amx_int8', 'amx_bf16', 'amx_fp16', 'amx_complex'],
  ...['asimd', 'asimdhp', 'asimddp', 'i8mm', 'bf16', 'fphp', 'sve', 'sve2', 'svei8mm', 'svebf16'],
  ...[
    'sme',
    'sme2',
    'atomics',
    'neon',
    'crc32',
    'altivec',
    'vsx',
    'vx',
    'vxd',
    'vxe',
    'lasx',
    'lsx',
  ],
]);

/** The highest level whose flags, and those of all levels below, are there. Only x86-64 names levels. */
export function isaLevel(
  family: ArchitectureFamily | undefined,
  flags: readonly string[],
): string | undefined {
  if (family !== 'x86') return undefined;
  const have = new Set(flags);
  let level: string | undefined;
  for (const [name, needed] of X86_LEVELS) {
    if (!needed.every((flag) => have.has(flag))) break;
    level = name;
  }
  return level;
}

export function instructionSets(flags: readonly string[]): string[] {
  return flags.filter((flag) => NUMERIC.has(flag) || flag.startsWith('avx512')).sort();
}
