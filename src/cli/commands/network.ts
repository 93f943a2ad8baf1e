import type { NetworkStatus } from '../../api/contract/network-documents.ts';
import type { BitsPerSecond } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import { parseBitRate, printBitRate } from '../../spec/quantities.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes, formatPercent } from '../format.ts';
import { glyph, type Page } from '../page.ts';
import { type Column, renderTable } from '../table.ts';

export const network = defineCommand({
  name: 'network',
  group: 'Work',
  summary: 'Show limits of services and shares of the link, and what went through the proxy',
  details: [
    'Tasks with a `network` block go through the proxy. The first line of the services is all requests that are of none of them, under the limits of all; counts are since the daemon was opened.',
    'With --tc the classes are printed as a script for /bin/sh, which shapes what a card sends by DSCP. It is not run.',
  ],
  options: {
    tc: {
      kind: 'text',
      value: 'device',
      summary: 'print the classes as a tc script for the device',
    },
    rate: {
      kind: 'text',
      value: 'rate',
      summary: 'of that device, such as 10Gbps (as the site says)',
    },
  },
  json: 'NetworkStatus: {proxy_port, services, classes, tc_script, …}',
  examples: ['berth network', 'berth network --tc eth0 --rate 10Gbps'],
  async run({ options }, world) {
    const bitsPerSecond = options.rate === undefined ? undefined : rateOf(options.rate);
    const client = await world.daemons.connect();
    const status = await client.network({ device: options.tc, bitsPerSecond });
    const script = status.tc_script?.trimEnd().split('\n');
    return {
      document: status,
      view: (page) => script ?? renderNetwork(status, page),
      exit: EXIT.ok,
    };
  },
});

function rateOf(written: string): number {
  const parsed = parseBitRate(written);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  const sentence = parsed.ok ? '--rate is nothing.' : `--rate: ${parsed.message}.`;
  throw new OperationError('USAGE', sentence, { hint: 'A rate such as 100Mbps or 10Gbps.' });
}

const serviceColumns: readonly Column[] = [
  { title: 'SERVICE', min: 8 },
  { title: '/S', align: 'right' },
  { title: '/MIN', align: 'right' },
  { title: 'BURST', align: 'right', drop: 3 },
  { title: 'AT ONCE', align: 'right', drop: 1 },
  { title: 'PASSED', align: 'right' },
  { title: 'WAITED', align: 'right', drop: 2 },
  { title: 'REFUSED', align: 'right' },
  { title: 'WAITING', align: 'right' },
];
const classColumns: readonly Column[] = [
  { title: 'CLASS', min: 8 },
  { title: 'SHARE', align: 'right' },
  { title: 'SENT', align: 'right' },
  { title: 'RECEIVED', align: 'right' },
  { title: 'LATE', align: 'right', drop: 2 },
  { title: 'LATE AFTER', align: 'right', drop: 1 },
];

function renderNetwork(status: NetworkStatus, page: Page): readonly string[] {
  const none = glyph(page, 'unknown');
  const shown = (n: number | null): string => (n === null ? none : String(n));
  const rate = (bits: number | null): string =>
    bits === null ? 'unlimited' : printBitRate(bits as BitsPerSecond);
  const proxy =
    status.proxy_port === null
      ? 'There is no proxy: the log of the daemon says why.'
      : `The proxy listens on 127.0.0.1:${status.proxy_port}.`;
  const services = status.services.map((one) => [
    one.name ?? 'all others',
    shown(one.requests_per_second),
    shown(one.requests_per_minute),
    shown(one.burst),
    shown(one.concurrent),
    ...[one.passed, one.waited, one.refused, one.waiting].map(String),
  ]);
  const classes = status.classes.map((one) => [
    one.name,
    formatPercent(one.share_basis_points / 10_000),
    formatBytes(one.egress_bytes),
    formatBytes(one.ingress_bytes),
    String(one.late),
    `${one.max_latency_ms} ms`,
  ]);
  return [
    `${proxy} The link: ${rate(status.egress_bits_per_second)} out, ${rate(status.ingress_bits_per_second)} in.`,
    '',
    ...renderTable(page, serviceColumns, services),
    '',
    ...renderTable(page, classColumns, classes),
  ];
}
