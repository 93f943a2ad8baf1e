import type { Driver } from '../../src/runtime/ports.ts';

/** Starts nothing, knows of nothing, and tells nothing. */
export const silentDriver: Driver = {
  enforcement: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
  start: () => {},
  adjust: () => {},
  pin: () => {},
  pause: () => {},
  resume: () => {},
  adopt: () => {},
  stop: () => {},
  known: () => Promise.resolve([]),
  settle: () => {},
  close: () => Promise.resolve(),
};
