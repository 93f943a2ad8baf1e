/**
 * The largest node of the trace that the published GPU policies were compared on (Weng et al., ATC'23):
 * they normalise by it, so that a large node and a small one are compared by what is left, not by ratio.
 */
export const LARGEST_CPU = 128_000;
export const LARGEST_GPU = 8_000;
