/** The same cells with room for more, of zeros. */
export function enlarge(cells: Float64Array<ArrayBuffer>, room: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(room);
  larger.set(cells);
  return larger;
}

/** The same rows with one column more, of zeros. */
export function widen(
  cells: Float64Array<ArrayBuffer>,
  columns: number,
  rows: number,
): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(rows * (columns + 1));
  for (let row = 0; row < rows; row++) {
    wider.set(cells.subarray(row * columns, (row + 1) * columns), row * (columns + 1));
  }
  return wider;
}
