import type { AttemptStart, CacheAsk } from '../runtime/ports.ts';

/** What of the world a result depends on, beside what its document says. */
export interface KeyFacts {
  /** By path as it is written; null where nothing is there. */
  readonly inputs: readonly (readonly [path: string, digest: string | null])[];
  /** Of the program and of its arguments that are files. */
  readonly code: readonly (readonly [argument: string, digest: string])[];
}

/** A change of what a key is made of makes all that was kept unreachable. */
const KEY_VERSION = 1;

/**
 * What the key of a result is made of: the command and its variables after holes were filled in, its item or its
 * place, the contents of inputs and code, the salt. Not the folder that it runs in, nor what it may use.
 */
export function keyMaterial({ run }: AttemptStart, ask: CacheAsk, facts: KeyFacts): string {
  const env = Object.entries(ask.env).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({
    version: KEY_VERSION,
    tenant: ask.sharedBy === 'tenant' ? ask.tenant : null,
    run,
    env,
    part: ask.part,
    salt: ask.salt,
    artefacts: ask.artefacts,
    inputs: facts.inputs,
    code: facts.code,
  });
}
