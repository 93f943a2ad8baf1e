/** A file name that is no path, and that needs no quoting anywhere. */
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
/** Longest value, in bytes: as long as the launcher reads. */
export const SECRET_BYTES_MAX = 64 * 1024;
