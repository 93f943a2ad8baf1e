import { parsePressure } from '../proc-counters.ts';
import { type FileSampler, reading, stateless } from '../sampler.ts';

/** `irq` is there since Linux 6.1, where interrupts are accounted. */
const RESOURCES = ['cpu', 'memory', 'io', 'irq'];
const fileOf = (resource: string): string => `/proc/pressure/${resource}`;

/** Pressure stall information (kernel: Documentation/accounting/psi.rst). */
export const pressureSampler: FileSampler = {
  name: 'pressure',
  kind: 'kept',
  everyMs: 1_000,
  files: RESOURCES.map(fileOf),
  families: [
    'berth_node_pressure_waiting_seconds_total',
    'berth_node_pressure_stalled_seconds_total',
  ],
  open: stateless((texts) =>
    RESOURCES.flatMap((resource) => {
      const text = texts.get(fileOf(resource));
      if (text === undefined) return [];
      const { someUs, fullUs } = parsePressure(text);
      const seconds = (us: number | undefined) => (us === undefined ? undefined : us / 1e6);
      // Of the whole host all tasks never wait for CPU: the kernel writes 0 there, which would say something.
      const stalled = resource === 'cpu' ? undefined : seconds(fullUs);
      return [
        ...reading('berth_node_pressure_waiting_seconds_total', seconds(someUs), { resource }),
        ...reading('berth_node_pressure_stalled_seconds_total', stalled, { resource }),
      ];
    }),
  ),
};
