import { mkdirSync } from 'node:fs';
import type { Confinement } from '../../confinement.ts';
import { START_LINE_MAX } from '../../launcher-protocol.ts';
import type { Room } from './task-rooms.ts';

export function withRoom(plan: Confinement, { isolation, terms }: Room): Confinement {
  const all = [...(plan.enforced.terms ?? []), ...terms];
  return {
    ...plan,
    enforced: { ...plan.enforced, ...(all.length > 0 && { terms: all }) },
    ...(isolation && { isolation }),
  };
}

/** Why it could not be made; undefined when it is there. */
export function makeFolder(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `It could not be started: ${why}.`;
  }
}

export function unsendable(line: string): string | undefined {
  if (line.includes('\0')) return 'The command or its environment has a NUL character in it.';
  if (line.length <= START_LINE_MAX) return undefined;
  return `The command and its environment are longer than ${START_LINE_MAX} characters.`;
}
