import type { Fact } from './fact.ts';

/** One slot for a memory module, as the firmware describes it (SMBIOS type 17). */
export interface MemoryModule {
  /** `DIMM_A4`. */
  readonly slot: Fact<string>;
  readonly bank: Fact<string>;
  /** Zero for an empty slot: the firmware says so. Unknown when it does not know. */
  readonly sizeBytes: Fact<number>;
  readonly type: Fact<string>;
  readonly formFactor: Fact<string>;
  /** What the module can do, and what it is set to. */
  readonly ratedMegatransfers: Fact<number>;
  readonly configuredMegatransfers: Fact<number>;
  /** The bits beyond the data width carry the error correction. */
  readonly dataBits: Fact<number>;
  readonly totalBits: Fact<number>;
  readonly ranks: Fact<number>;
  readonly manufacturer: Fact<string>;
  readonly serial: Fact<string>;
  readonly part: Fact<string>;
  /** The array that the slot belongs to. */
  readonly arrayHandle: number | undefined;
}

/** A set of slots behind one controller (SMBIOS type 16). */
export interface MemoryArray {
  readonly handle: number | undefined;
  /** `System Memory`; a graphics or cache array is not the host's memory. */
  readonly use: Fact<string>;
  readonly errorCorrection: Fact<string>;
  readonly maximumBytes: Fact<number>;
  readonly slots: Fact<number>;
}
