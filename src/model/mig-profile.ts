/** `3g.20gb`, `1g.5gb+me`, or `1c.3g.20gb` for a part of an instance: compute slices, then memory. */
export const MIG_PROFILE = /^(?:([1-7])c\.)?([1-7])g\.\d{1,3}gb(?:\+me|\+gfx|\+me\.all|-me)?$/;
/** Those of the A30, which has four slices; every other part has seven. */
const FOUR_SLICES = /^(1g\.6gb|2g\.12gb|4g\.24gb)/;

/**
 * The part of a whole GPU that an instance of this profile is, in milli-GPU by its compute slices. Less than
 * a whole one even of 7g, whose device is in MIG mode; of a name in another form, one slice of seven.
 */
export function milliOfInstance(profile: string): number {
  const form = MIG_PROFILE.exec(profile);
  const slices = Number(form?.[1] ?? form?.[2] ?? 1);
  return Math.min(999, Math.floor((slices * 1000) / (FOUR_SLICES.test(profile) ? 4 : 7)));
}
