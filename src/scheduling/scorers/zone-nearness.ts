import { defineScorer } from '../scorer.ts';
import { nearnessBy } from './nearness.ts';

export const zoneNearness = defineScorer({
  name: 'zone-nearness',
  what: 'Nodes of the zones where the other tasks of the workload run: less traffic between zones.',
  readsNodes: true,
  knowsWho: true,
  looksAround: true,
  score: nearnessBy('zone'),
});
