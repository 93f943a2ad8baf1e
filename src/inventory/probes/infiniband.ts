import { type Fact, fact, unknown } from '../fact.ts';
import { pciAddress } from '../gpu.ts';
import { count, decimal, whole, words } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes } from './attributes.ts';

/** An RDMA device: InfiniBand, RoCE, Omni-Path or iWARP. */
export interface RdmaDevice {
  readonly name: string;
  readonly board: Fact<string>;
  readonly firmware: Fact<string>;
  readonly model: Fact<string>;
  readonly nodeGuid: Fact<string>;
  readonly pciAddress: Fact<string>;
  readonly numaNode: Fact<number>;
  readonly netInterfaces: readonly string[];
  readonly ports: readonly RdmaPort[];
}

export interface RdmaPort {
  readonly number: number;
  /** RoCE is InfiniBand's transport over an Ethernet link. */
  readonly linkLayer: Fact<string>;
  /** `ACTIVE`, `DOWN`, `INIT`, `ARMED`. */
  readonly state: Fact<string>;
  /** `LinkUp`, `Polling`, `Disabled`… */
  readonly physicalState: Fact<string>;
  /** All lanes together, as signalled; counts in units of 1e9. */
  readonly bitsPerSecond: Fact<number>;
  /** `4X EDR`. */
  readonly rateName: Fact<string>;
  readonly counters: RdmaCounters;
}

export interface RdmaCounters {
  readonly receivedBytes: Fact<number>;
  readonly sentBytes: Fact<number>;
  readonly linkDowned: Fact<number>;
  readonly symbolErrors: Fact<number>;
  readonly receiveErrors: Fact<number>;
}

export const infinibandProbe = defineProbe({
  name: 'infiniband',
  cost: 'fast',
  read(host) {
    const listed = host.list('/sys/class/infiniband');
    if (!listed.ok) {
      return listed.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: listed.problem };
    }
    if (listed.value.length === 0) return { kind: 'absent' };
    const attributes = new Attributes(host);
    const value = listed.value.slice(0, 512).map((name) => device(name, attributes));
    return { kind: 'found', value, problems: attributes.problems };
  },
});

function device(name: string, attributes: Attributes): RdmaDevice {
  const at = `/sys/class/infiniband/${name}`;
  const bdf = pciAddress(attributes.linkName(`${at}/device`) ?? '');
  return {
    name,
    board: attributes.fact(`${at}/board_id`, words, 'firmware'),
    firmware: attributes.fact(`${at}/fw_ver`, words, 'firmware'),
    model: attributes.fact(`${at}/hca_type`, words, 'driver'),
    nodeGuid: attributes.fact(`${at}/node_guid`, words, 'firmware'),
    pciAddress: bdf === undefined ? unknown('not-reported') : fact(bdf, 'kernel'),
    numaNode: attributes.countOrNone(`${at}/device/numa_node`),
    netInterfaces: attributes.list(`${at}/device/net`),
    ports: attributes
      .list(`${at}/ports`)
      .flatMap((entry) => (count(entry) === undefined ? [] : [Number(entry)]))
      .sort((a, b) => a - b)
      .slice(0, 256)
      .map((number) => port(`${at}/ports/${number}`, number, attributes)),
  };
}

function port(at: string, number: number, attributes: Attributes): RdmaPort {
  // `4: ACTIVE`
  const named = (text: string) => /^\d+: (.{1,60})$/.exec(text)?.[1];
  // Octets divided by four, so that 32-bit counters last longer; IBTA 1.3, section 16.1.3.5.
  const octets = (text: string) => {
    const n = count(text);
    return n === undefined || n > Number.MAX_SAFE_INTEGER / 4 ? undefined : n * 4;
  };
  const counter = (name: string, parse: (text: string) => number | undefined) =>
    attributes.fact(`${at}/counters/${name}`, parse);
  return {
    number,
    linkLayer: attributes.fact(`${at}/link_layer`, words),
    state: attributes.fact(`${at}/state`, named),
    physicalState: attributes.fact(`${at}/phys_state`, named),
    bitsPerSecond: attributes.fact(`${at}/rate`, (text) => {
      const gigabits = decimal(/^(\d+(?:\.\d+)?) Gb\/sec/.exec(text)?.[1] ?? '');
      return gigabits === undefined ? undefined : whole(gigabits * 1e9);
    }),
    rateName: attributes.fact(`${at}/rate`, (text) => /\(([^)]{1,30})\)/.exec(text)?.[1]),
    counters: {
      receivedBytes: counter('port_rcv_data', octets),
      sentBytes: counter('port_xmit_data', octets),
      linkDowned: counter('link_downed', count),
      symbolErrors: counter('symbol_error', count),
      receiveErrors: counter('port_rcv_errors', count),
    },
  };
}
