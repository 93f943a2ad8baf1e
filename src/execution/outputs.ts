import type { FlowValue } from '../model/flow.ts';

/** Of the file that a task writes its outputs to. */
export const OUTPUT_BYTES_MAX = 64 * 1024;
const NAMES_MAX = 256;
const DEPTH_MAX = 16;
const NOTES_MAX = 3;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,127}$/;

export interface Outputs {
  /** Absent when nothing was said. */
  readonly values?: Readonly<Record<string, FlowValue>>;
  /** Sentences about what was left out, for people. */
  readonly notes: readonly string[];
}

/**
 * Lines `NAME=VALUE`; a value is JSON where it parses as such, else text. Of a name that comes again the last
 * one counts. `cut`: the file goes on, and what is here ends anywhere. What does not fit is left out, with a note.
 */
export function parseOutputs(text: string, cut: boolean): Outputs {
  const found = new Map<string, FlowValue>();
  const notes: string[] = [];
  const lines = text.split('\n');
  if (cut) {
    lines.pop();
    notes.push(`Its outputs are longer than ${OUTPUT_BYTES_MAX / 1024} KiB; the rest is left out.`);
  }
  const leaveOut = (line: number, why: string): void => {
    if (notes.length < NOTES_MAX) notes.push(`Line ${line} of its outputs ${why}.`);
  };
  for (const [i, written] of lines.entries()) {
    const line = written.endsWith('\r') ? written.slice(0, -1) : written;
    if (line.trim() === '') continue;
    const at = line.indexOf('=');
    const name = at < 0 ? '' : line.slice(0, at).trim();
    if (!NAME.test(name) || name === '__proto__') leaveOut(i + 1, 'is not NAME=VALUE');
    else if (found.size === NAMES_MAX && !found.has(name)) {
      leaveOut(i + 1, `is one name more than ${NAMES_MAX}`);
    } else {
      const value = readValue(line.slice(at + 1));
      if (value === undefined) leaveOut(i + 1, `is deeper than ${DEPTH_MAX} levels`);
      else found.set(name, value);
    }
  }
  return found.size === 0 ? { notes } : { values: Object.fromEntries(found), notes };
}

/** Undefined for JSON that is too deep. */
function readValue(text: string): FlowValue | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text;
  }
  try {
    return storable(json, 0);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** As it comes back from the journal. Numbers that JSON cannot write, like 1e999, are texts. */
function storable(json: unknown, depth: number): FlowValue {
  if (depth > DEPTH_MAX) throw new RangeError('too deep');
  if (json === null || typeof json === 'boolean' || typeof json === 'string') return json;
  if (typeof json === 'number') return Number.isFinite(json) ? json + 0 : String(json);
  if (Array.isArray(json)) return json.map((item) => storable(item, depth + 1));
  return Object.fromEntries(
    Object.entries(Object(json) as object)
      .filter(([key]) => key !== '__proto__')
      .map(([key, item]) => [key, storable(item, depth + 1)]),
  );
}
