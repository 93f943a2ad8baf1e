import { createHash, timingSafeEqual } from 'node:crypto';
import { type AttemptId, parseAttemptId, type TenantId } from '../../model/ids.ts';
import type { Identity } from '../routes/api-env.ts';
import { localAdmin } from '../routes/local-admin.ts';
import { attemptNamed, attemptToken } from './attempt-token.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Who has which token, beside the one of the site itself. */
export interface TokenHolders {
  /** Whose task it is; undefined when it does not run, and its token is worth nothing. */
  tenantOfRunning(attempt: AttemptId): TenantId | undefined;
  /** Of a token that was handed out. */
  identify(token: string): Identity | undefined;
}

/** Compares hashes, so that neither the length nor a common beginning shows in the time taken. */
export function tokenCheck(
  siteToken: string,
  holders: TokenHolders,
): (given: string) => Identity | undefined {
  const wanted = digest(siteToken);
  return (given) => {
    if (timingSafeEqual(digest(given), wanted)) return localAdmin;
    const named = attemptNamed(given);
    if (named === undefined || parseAttemptId(named) === undefined) return holders.identify(given);
    const attempt = named as AttemptId;
    if (!timingSafeEqual(digest(given), digest(attemptToken(siteToken, attempt)))) return undefined;
    const tenant = holders.tenantOfRunning(attempt);
    return tenant && { tenant, role: 'task', sees: 'own', attempt };
  };
}
