/** JSON of a tool, or undefined when it is none. Duplicate keys keep the last, as JSON.parse does. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** What lies at these keys and indexes; undefined when any of them is missing. */
export function jsonAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

export function jsonText(
  value: unknown,
  ...path: readonly (string | number)[]
): string | undefined {
  const found = jsonAt(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** A finite number. A number written as a string is not one. */
export function jsonNumber(
  value: unknown,
  ...path: readonly (string | number)[]
): number | undefined {
  const found = jsonAt(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

/** A number times `factor`, rounded; undefined when that is beyond exact whole numbers. */
export function jsonScaled(
  value: unknown,
  factor: number,
  ...path: readonly (string | number)[]
): number | undefined {
  const found = jsonNumber(value, ...path);
  const scaled = found === undefined ? undefined : Math.round(found * factor);
  return Number.isSafeInteger(scaled) ? scaled : undefined;
}

/** A whole number that is not negative. */
export function jsonCount(
  value: unknown,
  ...path: readonly (string | number)[]
): number | undefined {
  const found = jsonNumber(value, ...path);
  return found !== undefined && Number.isSafeInteger(found) && found >= 0 ? found : undefined;
}

export function jsonFlag(
  value: unknown,
  ...path: readonly (string | number)[]
): boolean | undefined {
  const found = jsonAt(value, ...path);
  return typeof found === 'boolean' ? found : undefined;
}

export function jsonList(
  value: unknown,
  ...path: readonly (string | number)[]
): readonly unknown[] {
  const found = jsonAt(value, ...path);
  return Array.isArray(found) ? found.slice(0, 10_000) : [];
}

export function jsonEntries(
  value: unknown,
  ...path: readonly (string | number)[]
): readonly (readonly [string, unknown])[] {
  const found = jsonAt(value, ...path);
  return typeof found === 'object' && found !== null && !Array.isArray(found)
    ? Object.entries(found).slice(0, 10_000)
    : [];
}
