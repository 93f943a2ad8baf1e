/** Of readings that come about each `gridMs`, which are kept to have one each `everyMs`. */
export function keepEvery(everyMs: number, gridMs: number): (at: number) => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return (at) => {
    // A reading that comes a little early is not put off by a whole step. A clock that was set back starts afresh.
    if (at >= last && at - last < everyMs - gridMs / 2) return false;
    last = at;
    return true;
  };
}
