import { createHmac } from 'node:crypto';
import type { AttemptId } from '../../model/ids.ts';

const MARK = 'task_';

/**
 * The token that an attempt may call the daemon with: made from that of the site, so that it is kept nowhere.
 * It is worth something as long as the attempt runs.
 */
export function attemptToken(siteToken: string, attempt: AttemptId): string {
  const mac = createHmac('sha256', siteToken).update(`attempt ${attempt}`).digest('base64url');
  return `${MARK}${attempt}_${mac}`;
}

/** The attempt that a token says it is of; whether it is, only making it again tells. */
export function attemptNamed(token: string): string | undefined {
  const end = token.length - 44;
  return token.startsWith(MARK) && token[end] === '_' ? token.slice(MARK.length, end) : undefined;
}
