import { type NetCounters, parseNetDev } from '../../inventory/parsers/net-dev.ts';
import type { Reading } from '../metric.ts';
import { type FileSampler, stateless } from '../sampler.ts';

const NET_DEV = '/proc/net/dev';

const counters: readonly (readonly [string, (link: NetCounters) => number])[] = [
  ['berth_node_network_received_bytes_total', (link) => link.receivedBytes],
  ['berth_node_network_sent_bytes_total', (link) => link.sentBytes],
  ['berth_node_network_received_packets_total', (link) => link.receivedPackets],
  ['berth_node_network_sent_packets_total', (link) => link.sentPackets],
  ['berth_node_network_errors_total', (link) => link.receiveErrors + link.sendErrors],
  ['berth_node_network_drops_total', (link) => link.receiveDrops + link.sendDrops],
];

export const networkSampler: FileSampler = {
  name: 'network',
  kind: 'kept',
  everyMs: 1_000,
  files: [NET_DEV],
  families: counters.map(([name]) => name),
  open: stateless((texts) => {
    const readings: Reading[] = [];
    for (const link of parseNetDev(texts.get(NET_DEV) ?? '')) {
      const labels = { device: link.name };
      for (const [name, of] of counters) readings.push({ name, labels, value: of(link) });
    }
    return readings;
  }),
};
