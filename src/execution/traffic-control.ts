import { assert } from '../base/assert.ts';
import { type BitsPerSecond, UNLIMITED } from '../base/units.ts';
import type { TrafficClass } from '../model/network-config.ts';

/** A link between the host and a namespace of a task, its names, and the addresses of its two ends. */
export interface TaskLink {
  /** Name of the namespace, as `ip netns` has it. */
  readonly namespace: string;
  /** The end on the host; the other end is `eth0`. At most 15 characters (IFNAMSIZ). */
  readonly device: string;
  readonly hostAddress: string;
  readonly taskAddress: string;
}

/** Of each state folder. */
export const LINKS_MAX = 4096;
/** 198.18.0.0/15 is for tests of networks (RFC 2544), and nobody's on the Internet. */
const NETWORK = [198, 18] as const;
/** A piece that a card's segmentation makes: tbf cuts what is larger, at a cost. */
const BURST_MIN_BYTES = 64 * 1024;
/** As a time at the full rate: the timer of the kernel comes 250 times in a second, or more often. */
const BURST_MS = 10;
/** What waits in tbf, as a time at the full rate; then packets are dropped, and TCP slows down. */
const LATENCY_MS = 100;

/** Of the link in slot 0 … 4095 of a range that the state folder's instance chooses. */
export function taskLink(instance: string, slot: number, attempt: string): TaskLink {
  assert(/^[0-9a-f]{16}$/.test(instance) && slot >= 0 && slot < LINKS_MAX, 'a link has a slot');
  // There are 8 ranges; whoever makes a link looks whether its addresses are somebody's.
  const range = Number.parseInt(instance.slice(0, 4), 16) % 8;
  const at = (range * LINKS_MAX + slot) * 4;
  const address = (end: number): string =>
    [NETWORK[0], NETWORK[1] + (at >> 16), (at >> 8) & 255, (at & 255) + end].join('.');
  return {
    namespace: `${namespacePrefix(instance)}${named(slot)}-${attempt}`,
    device: `${devicePrefix(instance)}${named(slot)}`,
    hostAddress: address(1),
    taskAddress: address(2),
  };
}

/** The link that a namespace is of; undefined: it is not one of this instance. */
export function linkNamed(
  instance: string,
  namespace: string,
): { readonly link: TaskLink; readonly attempt: string; readonly slot: number } | undefined {
  const prefix = namespacePrefix(instance);
  if (!namespace.startsWith(prefix)) return undefined;
  const [, digits, attempt] = /^([0-9a-z]{3})-(.+)$/.exec(namespace.slice(prefix.length)) ?? [];
  const slot = Number.parseInt(digits ?? '', 36);
  if (attempt === undefined || !(slot < LINKS_MAX)) return undefined;
  return { link: taskLink(instance, slot, attempt), attempt, slot };
}

const named = (slot: number): string => slot.toString(36).padStart(3, '0');
export const namespacePrefix = (instance: string): string => `berth-${instance.slice(0, 8)}-`;
export const devicePrefix = (instance: string): string => `berth-${instance.slice(0, 6)}`;

/** Lines for `ip -batch` on the host, for the same in the namespace, and for `tc` in each. */
export interface LinkCommands {
  readonly onHost: readonly string[];
  readonly inside: readonly string[];
  readonly shapeHost: readonly string[];
  readonly shapeInside: readonly string[];
}

/**
 * What the task receives is shaped on the host's end, what it sends on its own; each end shapes what leaves it.
 * No route leads on: the host's end is all that can be reached.
 */
export function linkCommands(
  link: TaskLink,
  rates: { readonly egress: BitsPerSecond; readonly ingress: BitsPerSecond },
): LinkCommands {
  const { namespace, device, hostAddress, taskAddress } = link;
  return {
    onHost: [
      `link add ${device} type veth peer name eth0 netns ${namespace}`,
      `addr add ${hostAddress}/30 dev ${device}`,
      `link set ${device} up`,
    ],
    inside: [`addr add ${taskAddress}/30 dev eth0`, 'link set eth0 up', 'link set lo up'],
    shapeHost: tbf(device, rates.ingress),
    shapeInside: tbf('eth0', rates.egress),
  };
}

function tbf(device: string, rate: BitsPerSecond): string[] {
  if (rate === UNLIMITED) return [];
  const burst = Math.max(BURST_MIN_BYTES, Math.ceil((rate / 8000) * BURST_MS));
  const limit = burst + Math.ceil((rate / 8000) * LATENCY_MS);
  return [`qdisc replace dev ${device} root tbf rate ${rate}bit burst ${burst} limit ${limit}`];
}

/** Classes of a shared link as the kernel's HTB has them. */
export interface HtbPlan {
  readonly device: string;
  readonly rate: BitsPerSecond;
  readonly classes: readonly HtbClass[];
  /** Class of what no filter names. */
  readonly rest: string;
}

export interface HtbClass {
  /** `1:10`. */
  readonly id: string;
  readonly name: string;
  /** Guaranteed. */
  readonly rate: BitsPerSecond;
  /** What it may have when the others leave it. */
  readonly ceiling: BitsPerSecond;
  /** 0 is offered what is left first. */
  readonly priority: number;
  /** What it waits at most for others before it, if each sends its quantum. */
  readonly quantumBytes: number;
  /** Differentiated services code point (RFC 2474, RFC 4594) that puts a packet into it. */
  readonly codePoint: number;
}

/** AF41, AF21, CS1: what RFC 4594 has for interactive, bulk that matters and bulk that does not. */
const codePoints = [34, 18, 8];
const PACKET_BYTES = 1514;

/** `rate` is that of the whole link: HTB shapes only what is slower than the card. */
export function htbPlan(
  device: string,
  rate: BitsPerSecond,
  classes: readonly TrafficClass[],
): HtbPlan {
  assert(rate !== UNLIMITED && classes.length > 0, 'a link to share has a rate');
  const planned = classes.map((c, i): HtbClass => {
    const own = Math.max(8000, Math.floor((rate / 10_000) * c.share));
    return {
      id: `1:${(i + 1) * 10}`,
      name: c.name,
      rate: own as BitsPerSecond,
      ceiling: rate,
      priority: Math.min(i, 7),
      quantumBytes: Math.max(PACKET_BYTES, Math.min(60_000, Math.floor(own / 8000))),
      codePoint: codePoints[i] ?? 0,
    };
  });
  return { device, rate, classes: planned, rest: planned[Math.floor(planned.length / 2)]!.id };
}

/** The plan as a script for /bin/sh; nothing of it runs here. Undone by `tc qdisc del dev DEVICE root`. */
export function htbScript({ device, rate, classes, rest }: HtbPlan): string {
  assert(/^[A-Za-z0-9_.-]{1,15}$/.test(device), 'the name of a device');
  const lines = [
    '#!/bin/sh',
    '# Shares of the link by class of traffic. Undo: tc qdisc del dev "$DEV" root',
    'set -eu',
    `DEV=${device}`,
    `tc qdisc replace dev "$DEV" root handle 1: htb default ${rest.split(':')[1]}`,
    `tc class replace dev "$DEV" parent 1: classid 1:1 htb rate ${rate}bit ceil ${rate}bit`,
  ];
  for (const c of classes) {
    lines.push(
      `# ${c.name.replace(/[^\w .-]/g, '_')}`,
      `tc class replace dev "$DEV" parent 1:1 classid ${c.id} htb rate ${c.rate}bit ceil ${c.ceiling}bit prio ${c.priority} quantum ${c.quantumBytes}`,
    );
    if (c.codePoint === 0) continue;
    // The two low bits of the field are not the code point's (RFC 3168).
    const tos = `0x${(c.codePoint << 2).toString(16)}`;
    lines.push(
      `tc filter replace dev "$DEV" parent 1: protocol ip prio ${c.priority + 1} u32 match ip dsfield ${tos} 0xfc flowid ${c.id}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
