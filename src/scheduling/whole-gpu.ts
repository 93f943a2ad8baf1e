/** Milli-GPU of one device. */
export const WHOLE_GPU = 1000;
