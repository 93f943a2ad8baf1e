import { nearest } from '../base/nearest.ts';
import { OperationError } from '../model/errors.ts';
import type { Client } from './client.ts';

/** How many of the newest workloads are searched for what was meant. */
const CANDIDATES_MAX = 200;

/** Refuses what cannot be an id; a name gets the id that goes with it. */
export async function checkId(client: Client, text: string): Promise<string> {
  if (/^\d{1,15}$/.test(text)) return text;
  throw await noSuchWorkload(client, text);
}

/** Ids of at least one workload. */
export const someWorkloads = {
  name: 'id',
  summary: 'of the workloads',
  required: true,
  many: true,
  complete: 'none',
} as const;

/** Does the same to each, once all of them can be ids. */
export async function toEach(
  client: Client,
  operands: readonly string[],
  act: (id: string) => Promise<void>,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const operand of operands) ids.push(await checkId(client, operand));
  for (const id of ids) await withNearMiss(client, id, () => act(id));
  return ids;
}

/** What `ask` answers, with a near miss in place of a bare NOT_FOUND. */
export async function withNearMiss<T>(
  client: Client,
  id: string,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof OperationError && error.code === 'NOT_FOUND')) throw error;
    throw await noSuchWorkload(client, id);
  }
}

export async function noSuchWorkload(client: Client, text: string): Promise<OperationError> {
  const { workloads } = await client.workloads({ state: 'all', limit: CANDIDATES_MAX, offset: 0 });
  const named = workloads.find(({ name }) => name === text);
  const near = nearest(
    text,
    workloads.flatMap(({ id, name }) => [id, name]),
  );
  const meant = named ?? workloads.find(({ id, name }) => id === near || name === near);
  const newest = workloads[0];
  const hint =
    meant !== undefined
      ? `Did you mean ${meant.id} (${meant.name})? Workloads are named by id.`
      : newest === undefined
        ? 'Nothing was submitted yet: `berth submit FILE`.'
        : `The newest is ${newest.id} (${newest.name}); \`berth ps --all\` lists all.`;
  return new OperationError('NOT_FOUND', `There is no workload ${JSON.stringify(text)}.`, {
    id: text,
    hint,
  });
}
