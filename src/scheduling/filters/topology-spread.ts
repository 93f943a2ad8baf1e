import { defineFilter } from '../filter.ts';
import { passesRules } from './company-rules.ts';

export const topologySpread = defineFilter({
  name: 'topology-spread',
  what: 'Places that have at most so many more of its kind than the one with fewest.',
  passes: passesRules('spread'),
});
