import { type FileSampler, reading, stateless } from '../sampler.ts';

const SNMP = '/proc/net/snmp';

/** A line of names and one of figures for each protocol (RFC 4022: tcpOutSegs, tcpRetransSegs). */
export const tcpSampler: FileSampler = {
  name: 'tcp',
  kind: 'kept',
  everyMs: 1_000,
  files: [SNMP],
  families: ['berth_node_tcp_segments_sent_total', 'berth_node_tcp_segments_retransmitted_total'],
  open: stateless((texts) => {
    const [names, figures] = [...(texts.get(SNMP) ?? '').matchAll(/^Tcp: (.*)$/gm)].map((line) =>
      line[1]!.split(' '),
    );
    const figure = (name: string): number | undefined => {
      const text = figures?.[names?.indexOf(name) ?? -1];
      return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
    };
    return [
      ...reading('berth_node_tcp_segments_sent_total', figure('OutSegs')),
      ...reading('berth_node_tcp_segments_retransmitted_total', figure('RetransSegs')),
    ];
  }),
};
