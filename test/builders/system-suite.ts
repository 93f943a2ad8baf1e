const suite = process.env['BERTH_SUITE'];

/** Why a test of the suite `system` is skipped, or false: it needs root, cgroups and minutes. */
export const skipSystem: string | false =
  suite !== 'system' && suite !== 'all'
    ? 'needs root and cgroups: npm test -- --suite system'
    : process.getuid?.() === 0
      ? false
      : 'needs root';
