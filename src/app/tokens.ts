import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type {
  NewToken,
  Sight,
  TokenDocument,
  TokenList,
  TokenRequest,
  TokenSite,
} from '../api/contract/token-documents.ts';
import type { Identity } from '../api/routes/api-env.ts';
import type { TimeMs } from '../base/units.ts';
import { OperationError } from '../model/errors.ts';
import type { TenantId } from '../model/ids.ts';
import { readTokens, type TokenRecord, writeTokens } from '../store/io/token-file.ts';

const TOKENS_MAX = 10_000;
const ID_BYTES = 6;
const SECRET_BYTES = 32;

/** Tokens of users and programs: `berth_ID_SECRET`, of which a file keeps the hash. */
export class Tokens implements TokenSite {
  readonly #file: string;
  readonly #sees: Sight;
  readonly #now: () => TimeMs;
  #tokens: ReadonlyMap<string, TokenRecord>;

  /** @param sees what tokens see that do not say it themselves. Throws OperationError: see `readTokens`. */
  constructor(options: { readonly file: string; readonly sees: Sight }, now: () => TimeMs) {
    this.#file = options.file;
    this.#sees = options.sees;
    this.#now = now;
    this.#tokens = byId(readTokens(options.file));
  }

  list(): TokenList {
    const tokens = [...this.#tokens.values()].map((record) => this.#document(record));
    return { now: this.#now(), tokens };
  }

  add(request: TokenRequest): NewToken {
    if (this.#tokens.size >= TOKENS_MAX) {
      throw new OperationError('REFUSED', `There are ${TOKENS_MAX} tokens already.`, {
        hint: 'Revoke those that nobody uses: `berth token list`.',
      });
    }
    const { tenant, role, sees = null, expires_in_ms: life, note } = request;
    const id = randomBytes(ID_BYTES).toString('hex');
    const token = `berth_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const now = this.#now();
    const record: TokenRecord = {
      id,
      tenant,
      role,
      sees,
      created_at: now,
      expires_at: life === undefined ? null : now + life,
      note,
      hash: digest(token).toString('hex'),
    };
    this.#keep([...this.#tokens.values(), record]);
    return { ...this.#document(record), token };
  }

  revoke(id: string): boolean {
    if (!this.#tokens.has(id)) return false;
    this.#keep([...this.#tokens.values()].filter((record) => record.id !== id));
    return true;
  }

  /** Whose token it is; undefined when it is none, or not any more. */
  identify(token: string): Identity | undefined {
    const id = /^berth_([0-9a-f]{12})_[\w-]{43}$/.exec(token)?.[1];
    const record = id === undefined ? undefined : this.#tokens.get(id);
    if (record === undefined) return undefined;
    if (!timingSafeEqual(digest(token), Buffer.from(record.hash, 'hex'))) return undefined;
    if (record.expires_at !== null && record.expires_at <= this.#now()) return undefined;
    const { role, sees, tenant } = this.#document(record);
    return { tenant: tenant as TenantId, role, sees };
  }

  #keep(tokens: readonly TokenRecord[]): void {
    writeTokens(this.#file, tokens);
    this.#tokens = byId(tokens);
  }

  #document({ hash: _hash, ...record }: TokenRecord): TokenDocument {
    const sees = record.role === 'admin' ? 'all' : (record.sees ?? this.#sees);
    return { ...record, sees };
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const byId = (tokens: readonly TokenRecord[]): ReadonlyMap<string, TokenRecord> =>
  new Map(tokens.map((record) => [record.id, record]));
