import { z } from '@hono/zod-openapi';

/** Tokens by which users and programs prove who they are. */

/** From least to most that one may do. */
export const roles = ['viewer', 'user', 'admin'] as const;
export type Role = (typeof roles)[number];

/** `own`: what belongs to the token's tenant. */
export const sights = ['own', 'all'] as const;
export type Sight = (typeof sights)[number];

const moment = z.int().describe('Milliseconds since 1970');

const tenant = z
  .string()
  .regex(/^[^\s\p{Cc}]{1,128}$/u, 'must be a name without spaces, at most 128 characters')
  .describe('The user or program that it stands for');

/** Ten years: whoever wants longer wants none. */
const LIFE_MAX_MS = 10 * 366 * 86_400_000;

export const tokenRequestSchema = z
  .strictObject({
    tenant,
    role: z.enum(roles).default('user').describe('`viewer` only looks; `admin` may do everything'),
    sees: z
      .enum(sights)
      .optional()
      .describe('Of workloads, logs and leases. Not said: as the site isolates its tenants'),
    expires_in_ms: z.int().min(1).max(LIFE_MAX_MS).optional().describe('Not said: never'),
    note: z.string().max(200).default('').describe('What it is for'),
  })
  .openapi('TokenRequest');

export const tokenSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    role: z.enum(roles),
    sees: z.enum(sights),
    created_at: moment,
    expires_at: moment.nullable(),
    note: z.string(),
  })
  .openapi('Token');

export const newTokenSchema = tokenSchema
  .extend({ token: z.string().describe('Shown once: only its hash is kept') })
  .openapi('NewToken');

export const tokenListSchema = z
  .object({ now: moment, tokens: z.array(tokenSchema) })
  .openapi('TokenList');

export type TokenRequest = z.infer<typeof tokenRequestSchema>;
export type TokenDocument = z.infer<typeof tokenSchema>;
export type NewToken = z.infer<typeof newTokenSchema>;
export type TokenList = z.infer<typeof tokenListSchema>;

/** What the routes need of the tokens of the site. */
export interface TokenSite {
  list(): TokenList;
  /** Durable before it resolves. Throws OperationError: REFUSED beyond the number that is kept. */
  add(request: TokenRequest): NewToken;
  /** False when there is none of this id. */
  revoke(id: string): boolean;
}
