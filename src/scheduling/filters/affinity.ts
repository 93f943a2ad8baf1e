import { defineFilter } from '../filter.ts';
import { passesRules } from './company-rules.ts';

export const affinity = defineFilter({
  name: 'affinity',
  what: 'Places where tasks run that it must be near; the first of them goes anywhere.',
  passes: passesRules('near'),
});
