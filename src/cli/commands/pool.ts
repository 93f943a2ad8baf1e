import type { LeaseDocument, PoolDocument } from '../../api/contract/lease-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatBytes, formatPercent, formatSpan } from '../format.ts';
import { type Column, renderTable } from '../table.ts';

export const pool = defineCommand({
  name: 'pool',
  group: 'Work',
  summary: 'Show pools of shared devices, and who holds what without a task',
  details: [
    'Pools and leases are made by programs: `ResourcePool` of the TypeScript library and of clients/python, or POST /api/v1/pools and /api/v1/leases. A lease ends when its holder gives it back or falls silent.',
  ],
  operand: {
    name: 'name',
    summary: 'of one pool',
    required: false,
    many: false,
    complete: 'none',
  },
  options: {
    remove: { kind: 'flag', summary: 'remove the pool; refused while something of it is held' },
  },
  json: '{pools: [Pool, …], leases: [Lease, …]}',
  examples: ['berth pool', 'berth pool gpu_pool --remove'],
  async run({ operands, options }, world) {
    const client = await world.daemons.connect();
    const [name] = operands;
    if (options.remove) {
      if (name === undefined) throw new OperationError('USAGE', 'Name the pool to remove.');
      await client.removePool(name);
    }
    const [{ pools }, { leases }] = await Promise.all([client.pools(), client.leases()]);
    const shown = {
      pools: pools.filter((one) => name === undefined || one.name === name),
      leases: leases.filter((one) => name === undefined || one.pool === name),
    };
    if (name !== undefined && shown.pools.length === 0 && !options.remove) {
      throw new OperationError('NOT_FOUND', `There is no pool '${name}'.`);
    }
    return {
      document: shown,
      view: (page) => [
        ...(shown.pools.length === 0
          ? ['There are no pools.']
          : renderTable(page, poolColumns, poolRows(shown.pools, shown.leases))),
        '',
        ...(shown.leases.length === 0
          ? ['Nobody holds a lease.']
          : renderTable(page, leaseColumns, leaseRows(shown.leases, world.now()))),
      ],
      exit: EXIT.ok,
    };
  },
});

const poolColumns: readonly Column[] = [
  { title: 'POOL', min: 8 },
  { title: 'DEVICE', min: 8 },
  { title: 'TYPE', min: 6, drop: 2 },
  { title: 'MEMORY', align: 'right' },
  { title: 'HELD', align: 'right' },
  { title: 'BY', min: 6, drop: 1 },
];

function poolRows(pools: readonly PoolDocument[], leases: readonly LeaseDocument[]) {
  return pools.flatMap(({ name, resources }) =>
    resources.map((device) => {
      const holders = leases.filter(
        (lease) => lease.pool === name && lease.devices.some(({ id }) => id === device.id),
      );
      return [
        name,
        device.id,
        device.model,
        device.memory_bytes === 0 ? '' : formatBytes(device.memory_bytes),
        formatPercent(device.held_milli / 1_000),
        holders.map((lease) => `${lease.tenant} (${lease.id})`).join(', '),
      ];
    }),
  );
}

const leaseColumns: readonly Column[] = [
  { title: 'LEASE', align: 'right' },
  { title: 'NAME', min: 8 },
  { title: 'STATE' },
  { title: 'TENANT', drop: 2 },
  { title: 'DEVICES', min: 8, drop: 1 },
  { title: 'FOR', align: 'right' },
  { title: 'REASON', min: 12, drop: 3 },
];

function leaseRows(leases: readonly LeaseDocument[], now: number) {
  return leases.map((lease) => [
    lease.id,
    lease.name,
    lease.state,
    lease.tenant,
    lease.devices.map(({ id }) => id).join(', '),
    formatSpan(now - (lease.held_at ?? lease.asked_at)),
    lease.sentence ?? '',
  ]);
}
