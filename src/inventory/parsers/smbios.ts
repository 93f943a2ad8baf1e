import { type Fact, fact, unknown } from '../fact.ts';
import type { MemoryArray, MemoryModule } from '../memory-module.ts';
import { told, words } from './scalars.ts';

/**
 * One raw SMBIOS structure (DSP0134): a formatted part, then its strings. Everything is read through
 * bounds, since old firmware writes shorter structures and broken firmware wrong lengths.
 */
class Structure {
  readonly #view: DataView;
  readonly #length: number;
  readonly #strings: readonly string[];

  constructor(raw: Uint8Array) {
    this.#view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    this.#length = Math.min(raw[1] ?? 0, raw.byteLength);
    this.#strings = stringsOf(raw.subarray(this.#length));
  }

  get type(): number | undefined {
    return this.byte(0);
  }

  byte(at: number): number | undefined {
    return at + 1 <= this.#length ? this.#view.getUint8(at) : undefined;
  }

  word(at: number): number | undefined {
    return at + 2 <= this.#length ? this.#view.getUint16(at, true) : undefined;
  }

  double(at: number): number | undefined {
    return at + 4 <= this.#length ? this.#view.getUint32(at, true) : undefined;
  }

  quad(at: number): number | undefined {
    const low = this.double(at);
    const high = this.double(at + 4);
    if (low === undefined || high === undefined || high >= 2 ** 21) return undefined;
    return high * 2 ** 32 + low;
  }

  text(at: number): Fact<string> {
    const index = this.byte(at);
    if (index === undefined || index === 0) return unknown('not-reported');
    return told(this.#strings[index - 1], 'firmware', words);
  }
}

/** Strings end with a zero byte, the set with another; at most 255 can be named. */
function stringsOf(tail: Uint8Array): readonly string[] {
  const found: string[] = [];
  let start = 0;
  for (let at = 0; at < tail.length && found.length < 255; at++) {
    if (tail[at] !== 0) continue;
    if (at === start && found.length > 0) break;
    found.push(String.fromCharCode(...tail.subarray(start, Math.min(at, start + 256))));
    start = at + 1;
  }
  return found;
}

const tell = <T>(value: T | undefined): Fact<T> =>
  value === undefined ? unknown('not-reported') : fact(value, 'firmware');

/** Type 17, Memory Device. Undefined when the bytes are of another type or too short to be one. */
export function parseMemoryDevice(raw: Uint8Array): MemoryModule | undefined {
  const s = new Structure(raw);
  if (s.type !== 17 || s.word(0x0c) === undefined) return undefined;
  const rank = (s.byte(0x1b) ?? 0) & 0x0f;
  return {
    slot: s.text(0x10),
    bank: s.text(0x11),
    sizeBytes: sizeOf(s),
    type: tell(memoryTypes[s.byte(0x12) ?? 2]),
    formFactor: tell(formFactors[s.byte(0x0e) ?? 2]),
    ratedMegatransfers: speedOf(s.word(0x15), s.double(0x54)),
    configuredMegatransfers: speedOf(s.word(0x20), s.double(0x58)),
    dataBits: width(s.word(0x0a)),
    totalBits: width(s.word(0x08)),
    ranks: tell(rank === 0 ? undefined : rank),
    manufacturer: s.text(0x17),
    serial: s.text(0x18),
    part: s.text(0x1a),
    arrayHandle: s.word(0x04),
  };
}

/** Bit 15 set: kibibytes, else mebibytes. 0x7fff: see the extended size. 0xffff: not known. 0: empty. */
function sizeOf(s: Structure): Fact<number> {
  const size = s.word(0x0c)!;
  if (size === 0xffff) return unknown('not-reported');
  if (size === 0x7fff) {
    const extended = s.double(0x1c);
    return tell(extended === undefined ? undefined : (extended & 0x7fffffff) * 2 ** 20);
  }
  return tell((size & 0x8000) === 0 ? size * 2 ** 20 : (size & 0x7fff) * 2 ** 10);
}

/** 0 is not known; 0xffff points to the extended field of SMBIOS 3.3. */
function speedOf(speed: number | undefined, extended: number | undefined): Fact<number> {
  const told = speed === 0xffff ? extended : speed;
  return tell(told === 0 ? undefined : told);
}

const width = (bits: number | undefined): Fact<number> =>
  tell(bits === 0xffff || bits === 0 ? undefined : bits);

/** Type 16, Physical Memory Array. */
export function parseMemoryArray(raw: Uint8Array): MemoryArray | undefined {
  const s = new Structure(raw);
  if (s.type !== 16 || s.word(0x0d) === undefined) return undefined;
  const kibibytes = s.double(0x07);
  const extended = s.quad(0x0f);
  return {
    handle: s.word(0x02),
    use: tell(arrayUses[s.byte(0x05) ?? 2]),
    errorCorrection: tell(corrections[s.byte(0x06) ?? 2]),
    maximumBytes: tell(
      kibibytes === 0x80000000 ? extended : kibibytes === undefined ? undefined : kibibytes * 1024,
    ),
    slots: tell(s.word(0x0d)),
  };
}

// Numbers of DSP0134 3.7; 1 is "other" and 2 "unknown", which tell nothing.
const memoryTypes: Readonly<Record<number, string>> = {
  3: 'DRAM',
  4: 'EDRAM',
  5: 'VRAM',
  6: 'SRAM',
  7: 'RAM',
  9: 'FLASH',
  15: 'SDRAM',
  17: 'RDRAM',
  18: 'DDR',
  19: 'DDR2',
  20: 'DDR2 FB-DIMM',
  24: 'DDR3',
  25: 'FBD2',
  26: 'DDR4',
  27: 'LPDDR',
  28: 'LPDDR2',
  29: 'LPDDR3',
  30: 'LPDDR4',
  31: 'Logical non-volatile device',
  32: 'HBM',
  33: 'HBM2',
  34: 'DDR5',
  35: 'LPDDR5',
  36: 'HBM3',
};
const formFactors: Readonly<Record<number, string>> = {
  3: 'SIMM',
  4: 'SIP',
  5: 'Chip',
  6: 'DIP',
  7: 'ZIP',
  8: 'Proprietary Card',
  9: 'DIMM',
  10: 'TSOP',
  11: 'Row Of Chips',
  12: 'RIMM',
  13: 'SODIMM',
  14: 'SRIMM',
  15: 'FB-DIMM',
  16: 'Die',
  17: 'CAMM',
};
const arrayUses: Readonly<Record<number, string>> = {
  3: 'System Memory',
  4: 'Video Memory',
  5: 'Flash Memory',
  6: 'Non-volatile RAM',
  7: 'Cache Memory',
};
const corrections: Readonly<Record<number, string>> = {
  3: 'None',
  4: 'Parity',
  5: 'Single-bit ECC',
  6: 'Multi-bit ECC',
  7: 'CRC',
};
