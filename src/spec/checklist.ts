import { type Format, findWritten, readTree, type Written } from './document-tree.ts';
import type { Path } from './issue.ts';
import { printPath } from './issue.ts';
import { textProblem } from './text-bounds.ts';

/** One thing to have thought of before a workload is relied on. */
export interface ChecklistPoint {
  readonly point: string;
  readonly question: string;
  readonly state: 'ok' | 'not' | 'unknown';
  readonly evidence: string;
  /** From 1; null where nothing in the document tells. */
  readonly line: number | null;
  /** What to write; null where nothing is missing. */
  readonly advice: string | null;
}

interface Found {
  readonly state: ChecklistPoint['state'];
  readonly evidence: string;
  readonly at?: Path;
}

/** What a rule looks at. */
interface Reading {
  readonly root: Written;
  readonly text: string;
  /** Paths of the steps; the document itself, of a job. */
  readonly steps: readonly Path[];
  readonly has: (path: Path) => boolean;
  readonly value: (path: Path) => unknown;
}

interface Rule {
  readonly point: string;
  readonly question: string;
  readonly look: (reading: Reading) => Found;
  readonly advice: string;
}

/** So many steps are named; the rest is counted. */
const NAMED_MAX = 3;

const rules: readonly Rule[] = [
  {
    point: 'requests',
    question: 'Does every task say what it needs?',
    look: (reading) =>
      everyStep(reading, ['resources'], 'asks for its resources', 'does not say what it needs'),
    advice: 'resources: {cpu: 2, memory: 4Gi} in each step, or once under `defaults`',
  },
  {
    point: 'limits',
    question: 'Is every task held to a limit?',
    look: (reading) =>
      everyStep(
        reading,
        ['resource_limits'],
        'has limits',
        'may run for ever, or take all there is',
      ),
    advice: 'resource_limits: {timeout: 1h, memory: 8Gi} in each step, or once under `defaults`',
  },
  {
    point: 'autoscaling',
    question: 'Do replicas follow the load?',
    look: ({ has, value }) => {
      if (!has(['service'])) {
        return { state: 'ok', evidence: 'it runs to its end: nothing is kept alive to be scaled' };
      }
      if (has(['autoscaling']) && value(['autoscaling', 'enabled']) !== false) {
        return said(['autoscaling'], 'replicas follow the load');
      }
      return { state: 'not', evidence: 'the number of replicas is fixed', at: ['service'] };
    },
    advice:
      'autoscaling: {metrics: [{type: cpu, target: 70}], scaling_policy: {max_replicas: 10}} beside `service`',
  },
  {
    point: 'cost',
    question: 'Is there a limit to what it costs?',
    look: ({ has, steps }) => {
      const all: readonly Path[] = [
        ['pipeline', 'resource_limits', 'cost_limits'],
        ['resource_requirements', 'cost_controls'],
        ['defaults', 'resource_limits', 'max_cost'],
        ...steps.map((step) => [...step, 'resource_limits', 'max_cost']),
      ];
      const first = all.find(has);
      return first === undefined
        ? { state: 'not', evidence: 'it may cost anything that budgets of the site allow' }
        : said(first, 'its cost is limited');
    },
    advice: 'pipeline: {resource_limits: {cost_limits: {max_cost: 50.00}}}',
  },
  {
    point: 'monitoring',
    question: 'Is somebody told when something is wrong?',
    look: ({ has }) =>
      has(['monitoring'])
        ? { state: 'not', evidence: 'its alerts belong in the site document', at: ['monitoring'] }
        : { state: 'not', evidence: 'no alert is set' },
    advice:
      'alerts stand in the site document, under `monitoring.resources.alerts`: `berth alerts rules`',
  },
  {
    point: 'priority',
    question: 'Is it known what goes before what?',
    look: ({ has }) => {
      const first = [['priority'], ['class'], ['resource_requirements', 'class']].find(has);
      return first === undefined
        ? { state: 'not', evidence: 'it has the priority that everything has' }
        : said(first, 'it says how important it is');
    },
    advice: 'priority: 50, or resource_requirements: {class: burstable}',
  },
  {
    point: 'caching',
    question: 'Is work that was done before done again?',
    look: ({ has, steps }) => {
      const first = [
        ['optimization', 'caching'],
        ['optimization', 'cache_strategy'],
        ['cost_optimization', 'strategies', 'caching'],
        ...steps.map((step) => [...step, 'cache']),
      ].find(has);
      if (first !== undefined) return said(first, 'results are kept');
      if (has(['service'])) return { state: 'ok', evidence: 'a service has no result to keep' };
      return { state: 'not', evidence: 'every run does everything anew' };
    },
    advice: 'cache: {ttl: 1h} in steps that give the same for the same inputs',
  },
  {
    point: 'load',
    question: 'Was it tried under load?',
    look: () => ({ state: 'unknown', evidence: 'a document cannot tell' }),
    advice:
      'run it beside as much as will run beside it later, then read `berth usage` and `berth suggest`',
  },
  {
    point: 'documented',
    question: 'Does it say what it is for, and why it needs that much?',
    look: ({ text, has }) => {
      if (has(['description'])) return said(['description'], 'it describes itself');
      const line = text.split('\n').findIndex((one) => /^\s*#.*\p{L}{3}/u.test(one));
      return line < 0
        ? { state: 'not', evidence: 'there is not one comment' }
        : { state: 'ok', evidence: `a comment in line ${line + 1}` };
    },
    advice: 'a comment at the top: what it does, who owns it, why it asks for what it asks for',
  },
  {
    point: 'failure',
    question: 'What happens when a task fails?',
    look: (reading) => {
      const { has, steps } = reading;
      if (has(['service'])) return said(['service'], 'replicas are started again');
      const plans = ['retry', 'on_failure', 'preemption', 'checkpoint'];
      const planned = (step: Path): boolean =>
        [...plans.map((key) => [...step, key]), [...step, 'resource_limits', 'max_retries']].some(
          has,
        ) ||
        [
          ['defaults', 'retry'],
          ['defaults', 'resource_limits', 'max_retries'],
        ].some(has);
      return every(
        reading,
        steps,
        planned,
        'has a plan for its failure',
        'fails for good at the first try',
      );
    },
    advice: 'retry: {max_retries: 2, backoff: 10s}, and on_failure where the rest may go on',
  },
];

/** Goes through the list for a job or pipeline that can be read; nothing for any other text. */
export function readChecklist(
  text: string,
  options: { readonly fileName: string; readonly format?: Format },
): readonly ChecklistPoint[] {
  if (textProblem(text) !== undefined) return [];
  const format = options.format ?? (options.fileName.endsWith('.json') ? 'json' : 'yaml');
  const { root } = readTree(text, format);
  if (root?.children === undefined || Array.isArray(root.value)) return [];
  const steps = findWritten(root, ['steps']);
  const reading: Reading = {
    root,
    text,
    steps: Array.isArray(steps?.value) ? steps.value.map((_, i) => ['steps', i]) : [[]],
    has: (path) => findWritten(root, path) !== undefined,
    value: (path) => findWritten(root, path)?.value,
  };
  return rules.map(({ point, question, look, advice }) => {
    const { state, evidence, at } = look(reading);
    const line = at === undefined ? null : lineOf(reading, at);
    return { point, question, state, evidence, line, advice: state === 'ok' ? null : advice };
  });
}

const said = (path: Path, evidence: string): Found => ({
  state: 'ok',
  evidence: `${evidence} (\`${printPath(path)}\`)`,
  at: path,
});

/** Each step has the key, or the defaults have it. */
function everyStep(reading: Reading, key: Path, yes: string, no: string): Found {
  const { has, steps } = reading;
  const ofAll = has(['defaults', ...key]);
  return every(reading, steps, (step) => ofAll || has([...step, ...key]), yes, no);
}

function every(
  { value }: Reading,
  steps: readonly Path[],
  holds: (step: Path) => boolean,
  yes: string,
  no: string,
): Found {
  const without = steps.filter((step) => !holds(step));
  const [first] = without;
  if (first === undefined) return { state: 'ok', evidence: `every task ${yes}` };
  const name = (step: Path): string => {
    const id = value([...step, 'id']);
    return typeof id === 'string'
      ? id
      : step.length === 0
        ? 'the job'
        : `step ${Number(step[1]) + 1}`;
  };
  const named = without.slice(0, NAMED_MAX).map(name).join(', ');
  const rest = without.length - NAMED_MAX;
  const others = rest > 0 ? ` and ${rest} more` : '';
  return { state: 'not', evidence: `${named}${others}: ${no}`, at: first };
}

function lineOf({ root, text }: Reading, path: Path): number | null {
  const written = findWritten(root, path);
  const offset = (written?.key ?? written?.range)?.start;
  if (offset === undefined) return null;
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
