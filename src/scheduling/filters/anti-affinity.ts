import { defineFilter } from '../filter.ts';
import { passesRules } from './company-rules.ts';

export const antiAffinity = defineFilter({
  name: 'anti-affinity',
  what: 'Places where no task runs that it must be apart from.',
  passes: passesRules('apart'),
});
