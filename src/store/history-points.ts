import { type Block, FIELDS } from './history-block.ts';

const BYTES = 4 + FIELDS * 8;

/** One moment of a tier as it lies in the file until its block is complete: a point of each of some series. */
export function encodePoints(
  at: number,
  points: readonly { readonly id: number; readonly point: Block }[],
): Uint8Array {
  const bytes = new Uint8Array(8 + points.length * BYTES);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, at);
  for (const [i, { id, point }] of points.entries()) {
    view.setUint32(8 + i * BYTES, id);
    for (let f = 0; f < FIELDS; f++) view.setFloat64(12 + i * BYTES + f * 8, point[f]!);
  }
  return bytes;
}

export function* pointsOf(
  data: Uint8Array,
): Iterable<{ readonly at: number; readonly series: number; readonly point: Block }> {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let next = 8; next + BYTES <= data.length; next += BYTES) {
    const point = new Float64Array(FIELDS);
    for (let f = 0; f < FIELDS; f++) point[f] = view.getFloat64(next + 4 + f * 8);
    yield { at: view.getFloat64(0), series: view.getUint32(next), point };
  }
}
