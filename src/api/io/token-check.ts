import { createHash, timingSafeEqual } from 'node:crypto';
import { type AttemptId, parseAttemptId } from '../../model/ids.ts';
import type { Identity } from '../routes/api-env.ts';
import { localAdmin } from '../routes/local-admin.ts';
import { attemptNamed, attemptToken } from './attempt-token.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Compares hashes, so that neither the length nor a common beginning shows in the time taken.
 * @param isRunning whether tasks with a token of their own may still use it.
 */
export function tokenCheck(
  token: string,
  isRunning: (attempt: AttemptId) => boolean,
): (given: string) => Identity | undefined {
  const wanted = digest(token);
  const ofTask: Identity = { tenant: localAdmin.tenant, role: 'user' };
  return (given) => {
    if (timingSafeEqual(digest(given), wanted)) return localAdmin;
    const named = attemptNamed(given);
    if (named === undefined || parseAttemptId(named) === undefined) return undefined;
    const attempt = named as AttemptId;
    const own = timingSafeEqual(digest(given), digest(attemptToken(token, attempt)));
    return own && isRunning(attempt) ? ofTask : undefined;
  };
}
