import { defineScorer } from '../scorer.ts';
import { nearnessBy } from './nearness.ts';

export const rackNearness = defineScorer({
  name: 'rack-nearness',
  what: 'Nodes of the racks where the other tasks of the workload run.',
  readsNodes: true,
  knowsWho: true,
  looksAround: true,
  score: nearnessBy('rack'),
});
