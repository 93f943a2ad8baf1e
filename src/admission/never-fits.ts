import { UNLIMITED } from '../base/units.ts';
import type { StepId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { StepSpec } from '../model/workload.ts';

/** What the devices of a node lack for a request even while all of them are free. */
export type LacksDevices = (
  node: Node,
  ask: Resources,
) => { readonly resource: string; readonly asked: number; readonly free: number } | undefined;

/**
 * Why a request could not be placed even on an empty node, or nothing when one could hold it.
 * Named is the node that comes nearest, and what it lacks most.
 */
export function neverFits(
  step: StepId,
  ask: Resources,
  nodes: readonly Node[],
  lacksDevices: LacksDevices,
): Refusal | undefined {
  if (nodes.length === 0) return undefined;
  let binding: Short | undefined;
  let nearest = nodes[0]!;
  let bindingLack = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const short = shortest(node, ask, lacksDevices);
    if (short === undefined) return undefined;
    if (short.lack < bindingLack) {
      bindingLack = short.lack;
      binding = short;
      nearest = node;
    }
  }
  const { resource, asked, largest } = binding!;
  return { code: 'never-fits', step, resource, asked, largest, node: nearest.id };
}

interface Short {
  readonly resource: string;
  readonly asked: number;
  readonly largest: number;
  readonly lack: number;
}

function shortest(node: Node, ask: Resources, lacksDevices: LacksDevices): Short | undefined {
  let worst: Short | undefined;
  const look = (resource: string, asked: number, largest: number): void => {
    const lack = asked === 0 ? 0 : (asked - largest) / asked;
    if (lack > 0 && (worst === undefined || lack > worst.lack)) {
      worst = { resource, asked, largest, lack };
    }
  };
  const devices = ask.gpu === 0 ? undefined : lacksDevices(node, ask);
  if (devices !== undefined) look(devices.resource, devices.asked, devices.free);
  for (const [name, asked] of ask.custom) look(name, asked, customOf(node, name));
  look('memory', ask.memory, node.memory);
  look('cpu', ask.cpu, node.cpu);
  return worst;
}

const customOf = (node: Node, name: string): number =>
  node.custom.find(([other]) => other === name)?.[1] ?? 0;

/** The same for its scratch alone, at its peak; a node of which nobody said how much it has takes any. */
export function scratchNeverFits(
  { id, constraints }: Pick<StepSpec, 'id' | 'constraints'>,
  nodes: readonly Node[],
): Refusal | undefined {
  if (constraints?.scratch === undefined || nodes.length === 0) return undefined;
  const asked = constraints.scratch.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  const largest = nodes.reduce((a, b) =>
    (b.scratch ?? UNLIMITED) > (a.scratch ?? UNLIMITED) ? b : a,
  );
  const { scratch } = largest;
  if (scratch === undefined || scratch >= asked) return undefined;
  return {
    code: 'never-fits',
    step: id,
    resource: 'scratch',
    asked,
    largest: scratch,
    node: largest.id,
  };
}
