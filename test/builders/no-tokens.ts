import type { ServerConfig } from '../../src/api/io/server.ts';

/** A site that nobody but its admin has a token of. */
export const noTokens: Pick<ServerConfig, 'tokens' | 'holders'> = {
  tokens: {
    list: () => ({ now: 0, tokens: [] }),
    add: () => {
      throw new Error('no tokens here');
    },
    revoke: () => false,
  },
  holders: { tenantOfRunning: () => undefined, identify: () => undefined },
};
