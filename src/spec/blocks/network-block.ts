import { z } from 'zod';
import type { BitsPerSecond } from '../../base/units.ts';
import { oneOf, wholeNumber } from '../fields.ts';
import type { Path, Problem } from '../issue.ts';
import { bitRate, trafficName } from '../network-fields.ts';
import { defineBlock } from './execution-block.ts';

const schema = z
  .strictObject({
    bandwidth: z
      .union(
        [
          bitRate('In each direction.'),
          z.strictObject({
            egress_limit: bitRate('What it sends.').optional(),
            ingress_limit: bitRate('What it receives.').optional(),
            guarantee: bitRate('Kept for it when others want the link, too.').optional(),
          }),
        ],
        { error: 'a bit rate such as 100Mbps, or a map of egress_limit and ingress_limit' },
      )
      .meta({
        description: 'What each task is held to. A plain rate is both directions.',
        title: 'bit rate, or a map of limits',
      })
      .optional(),
    priority: oneOf(['high', 'normal', 'low'], {
      description: 'Its class of traffic on the link that the tasks share.',
      default: 'normal',
    }).optional(),
    traffic_type: trafficName
      .meta({ description: 'Its class of traffic by the name that the site gives it.' })
      .optional(),
    max_requests: wholeNumber(0, 1_000_000_000, {
      description: 'Requests of one attempt through the proxy.',
    }).optional(),
    rate_limiting: z
      .record(z.string(), z.unknown())
      .meta({ description: 'Belongs in the site document of the daemon; ignored here.' })
      .optional(),
    proxied: z
      .boolean()
      .meta({
        description:
          'HTTP_PROXY and its like name Berth, which holds the rate limits of the site. True, when anything else is asked for here.',
      })
      .optional(),
  })
  .meta({ description: 'Its use of the network.' });

type Block = z.output<typeof schema>;

/** What several places say of one step: what is nearer to it counts, key by key. */
export function mergeNetwork(
  blocks: readonly ({ readonly [Key in keyof Block]?: Block[Key] } | undefined)[],
): Block | undefined {
  const said = blocks.filter((block) => block !== undefined);
  return said.length === 0 ? undefined : Object.assign({}, ...said);
}

export const networkBlock = defineBlock({
  key: 'network',
  schema,
  read(block, path, problems) {
    const limits = limitsOf(block.bandwidth);
    checkGuarantee(limits, path, problems);
    if (block.traffic_type !== undefined && block.priority !== undefined) {
      const message = '`traffic_type` is given, too, and both choose the class of traffic';
      problems.push({ path: [...path, 'priority'], message, at: 'key' });
    }
    const needsProxy = block.bandwidth !== undefined || block.max_requests !== undefined;
    if (block.proxied === false && needsProxy) {
      const message = 'is false, and only the proxy holds what is asked for here';
      problems.push({ path: [...path, 'proxied'], message });
    }
    return {
      ...limits,
      ...(block.priority && { priority: block.priority }),
      ...(block.traffic_type !== undefined && { trafficType: block.traffic_type }),
      ...(block.max_requests !== undefined && { requestsMax: block.max_requests }),
      proxied: block.proxied ?? true,
    };
  },
});

interface Limits {
  readonly egress?: BitsPerSecond;
  readonly ingress?: BitsPerSecond;
  readonly guaranteed?: BitsPerSecond;
}

function limitsOf(bandwidth: Block['bandwidth']): Limits {
  if (bandwidth === undefined) return {};
  if (typeof bandwidth === 'number') return { egress: bandwidth, ingress: bandwidth };
  return {
    ...(bandwidth.egress_limit !== undefined && { egress: bandwidth.egress_limit }),
    ...(bandwidth.ingress_limit !== undefined && { ingress: bandwidth.ingress_limit }),
    ...(bandwidth.guarantee !== undefined && { guaranteed: bandwidth.guarantee }),
  };
}

function checkGuarantee(limits: Limits, path: Path, problems: Problem[]): void {
  const { egress, ingress, guaranteed } = limits;
  const least = Math.min(egress ?? Infinity, ingress ?? Infinity);
  if (guaranteed === undefined || guaranteed <= least) return;
  const message = 'is more than it is limited to';
  problems.push({ path: [...path, 'bandwidth', 'guarantee'], message });
}
