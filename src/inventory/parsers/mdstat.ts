/** One array of /proc/mdstat (drivers/md/md.c, md_seq_show). */
export interface MdArray {
  readonly name: string;
  readonly active: boolean;
  readonly readOnly: boolean;
  /** `raid1`, `linear`…; undefined for a container or an array that was not started. */
  readonly level: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly members: readonly MdMember[];
  /** From `[8/8] [UUUUUUUU]`; undefined for arrays without redundancy. */
  readonly disksTotal: number | undefined;
  readonly disksActive: number | undefined;
  /** A redundant array that lacks a disk. Undefined where the kernel does not say. */
  readonly degraded: boolean | undefined;
  readonly sync: MdSync | undefined;
}

export interface MdMember {
  readonly device: string;
  readonly slot: number;
  readonly state: 'active' | 'spare' | 'faulty' | 'journal' | 'write-mostly' | 'replacement';
}

export interface MdSync {
  readonly action: 'recovery' | 'resync' | 'check' | 'reshape' | 'repair';
  /** 0 … 10,000; undefined when it waits (`resync=DELAYED`). */
  readonly progressBp: number | undefined;
  readonly bytesPerSecond: number | undefined;
  readonly waiting: boolean;
}

const LINES_MAX = 20_000;

export function parseMdstat(text: string): readonly MdArray[] {
  const arrays: MdArray[] = [];
  let head: RegExpExecArray | null = null;
  let body: string[] = [];
  const finish = () => {
    if (head !== null) arrays.push(arrayOf(head[1]!, head[2]!, body.join('\n')));
    head = null;
  };
  for (const line of text.split('\n', LINES_MAX)) {
    const start = /^(md\S{0,60}) : (.{1,20000})$/.exec(line);
    if (start !== null) {
      finish();
      head = start;
      body = [];
    } else if (/^\s+\S/.test(line) && head !== null) body.push(line);
    else finish();
  }
  finish();
  return arrays;
}

function arrayOf(name: string, head: string, body: string): MdArray {
  const words = head.trim().split(/\s+/);
  const rest = words.slice(1).filter((word) => !word.startsWith('('));
  const level = rest[0] !== undefined && !rest[0].includes('[') ? rest[0] : undefined;
  const blocks = /^[ \t]*(\d{1,15}) blocks/m.exec(body);
  const disks = /\[(\d{1,4})\/(\d{1,4})\] \[([U_]+)\]/.exec(body);
  return {
    name,
    active: words[0] === 'active',
    readOnly: /\((auto-)?read-only\)/.test(head),
    level,
    // Blocks of 1 KiB.
    sizeBytes: blocks === null ? undefined : Number(blocks[1]) * 1024,
    members: words.flatMap(memberOf),
    disksTotal: disks === null ? undefined : Number(disks[1]),
    disksActive: disks === null ? undefined : Number(disks[2]),
    degraded: disks === null ? undefined : disks[3]!.includes('_'),
    sync: syncOf(body),
  };
}

const memberStates: Readonly<Record<string, MdMember['state']>> = {
  S: 'spare',
  F: 'faulty',
  J: 'journal',
  W: 'write-mostly',
  R: 'replacement',
};

function memberOf(word: string): readonly MdMember[] {
  const match = /^([^[\]]{1,60})\[(\d{1,5})\]((?:\([A-Z]\))*)$/.exec(word);
  if (match === null) return [];
  const flags = [...match[3]!.matchAll(/[A-Z]/g)].map(([flag]) => flag);
  const state = flags.includes('F') ? 'faulty' : memberStates[flags[0] ?? ''];
  return [{ device: match[1]!, slot: Number(match[2]), state: state ?? 'active' }];
}

function syncOf(body: string): MdSync | undefined {
  const match =
    /(recovery|resync|check|reshape|repair)\s*=\s*(?:(\d{1,3}\.\d)%|(DELAYED|PENDING|REMOTE))(?:.*?speed=(\d{1,12})K\/sec)?/.exec(
      body,
    );
  if (match === null) return undefined;
  return {
    action: syncActions[match[1]!]!,
    progressBp: match[2] === undefined ? undefined : Math.round(Number(match[2]) * 100),
    bytesPerSecond: match[4] === undefined ? undefined : Number(match[4]) * 1024,
    waiting: match[3] !== undefined,
  };
}

const syncActions: Readonly<Record<string, MdSync['action']>> = {
  recovery: 'recovery',
  resync: 'resync',
  check: 'check',
  reshape: 'reshape',
  repair: 'repair',
};
