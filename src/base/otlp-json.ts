/** Pieces of the JSON of OpenTelemetry's protocol (OTLP 1): numbers of 64 bits are texts, times are in nanoseconds. */

export interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

/** A number is written as a whole one. */
export const otlpAttributes = (
  of: Readonly<Record<string, string | number>>,
): readonly OtlpAttribute[] =>
  Object.entries(of).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));

/** Nanoseconds since 1970: beyond what a double holds. */
export const otlpNanos = (ms: number): string => `${BigInt(Math.round(ms)) * 1_000_000n}`;

/** Who speaks: the daemon that measured, and where. */
export interface OtlpOrigin {
  readonly version: string;
  /** Beside `service.name` and `service.version`. */
  readonly attributes: Readonly<Record<string, string>>;
}

export const otlpResource = ({ version, attributes }: OtlpOrigin) => ({
  attributes: otlpAttributes({
    'service.name': 'berth',
    'service.version': version,
    ...attributes,
  }),
});

export const otlpScope = ({ version }: OtlpOrigin) => ({ name: 'berth', version });
