/** Where a figure is from, from the most to the least trustworthy. */
export type Source = 'measured' | 'kernel' | 'driver' | 'firmware' | 'datasheet' | 'estimated';

/** One field of the inventory. Unknown is a value of its own: never zero, never made up. */
export type Fact<T> =
  | { readonly known: true; readonly value: T; readonly source: Source }
  | { readonly known: false; readonly reason: UnknownReason };

/** `absent`: this host has no such thing. `denied`, `failed`: it may, but it could not be read. */
export type UnknownReason = 'absent' | 'not-reported' | 'denied' | 'failed' | 'garbled';

export const fact = <T>(value: T, source: Source): Fact<T> => ({ known: true, value, source });
export const unknown = (reason: UnknownReason): Fact<never> => ({ known: false, reason });

export function knownValue<T>(f: Fact<T>): T | undefined {
  return f.known ? f.value : undefined;
}
