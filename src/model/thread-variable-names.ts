/**
 * Each is read by one family of libraries, which otherwise start a thread for every CPU of the host. PyTorch and
 * XGBoost read that of OpenMP.
 */
export const threadVariableNames = [
  'OMP_NUM_THREADS',
  'MKL_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'NUMEXPR_MAX_THREADS',
  'NUMBA_NUM_THREADS',
  'TF_NUM_INTRAOP_THREADS',
  'TORCHINDUCTOR_COMPILE_THREADS',
  'POLARS_MAX_THREADS',
  'RAYON_NUM_THREADS',
] as const;
