declare const brand: unique symbol;

/** A value that only a checked constructor can make, so that bytes and milli-CPU never mix. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
