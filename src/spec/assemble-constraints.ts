import { bytes } from '../base/units.ts';
import type {
  CompanyRule,
  Constraints,
  DataRule,
  LabelExpression,
  PreferredLabel,
} from '../model/constraints.ts';
import type { StepSpec } from '../model/workload.ts';
import type { AffinityBlock } from './affinity-schema.ts';
import type { Layer } from './assemble-step.ts';
import { gpuIsShare } from './gpu-request.ts';
import type { Path, Problem } from './issue.ts';

const WEIGHT = 100;

/** What the layers say of where a task may run; the first that has a part of `affinity` gives that part. */
export function constraintsOf(
  layers: readonly Layer[],
  problems: Problem[],
): Pick<StepSpec, 'constraints'> {
  const part = <K extends keyof AffinityBlock>(key: K) => {
    const layer = layers.find(({ affinity }) => affinity?.[key] !== undefined);
    return layer && { block: layer.affinity![key]!, path: [...layer.path, 'affinity', key] };
  };
  const labels = part('node_affinity');
  const read = (list: 'required' | 'preferred') => {
    const rules: readonly Wish[] = labels?.block[list] ?? [];
    return rules.flatMap((rule, i): PreferredLabel[] => {
      const label = expressionOf(rule, [...labels!.path, list, i], problems);
      if (label === undefined) return [];
      return [{ weight: rule.weight ?? WEIGHT, label }];
    });
  };
  const required = read('required').map(({ label }) => label);
  const preferred = read('preferred');
  const company: CompanyRule[] = [
    ...othersOf('near', part('pod_affinity')?.block),
    ...othersOf('apart', part('anti_affinity')?.block),
    ...(part('spread')?.block ?? []).map((rule) => ({
      ...ruleOf('spread', rule, rule.required === false ? WEIGHT : 0),
      maxSkew: rule.max_skew ?? 1,
    })),
    ...sameOf(part('topology')?.block),
  ];
  const data = dataOf(part('data')?.block);
  const tolerations = (part('tolerations')?.block ?? []).map(({ key, operator, value }) => ({
    ...(key !== undefined && { key }),
    ...(value !== undefined && operator !== 'Exists' && { value: String(value) }),
  }));
  const gpus = gpuKindOf(layers);
  const lists = [required, preferred, company, data, tolerations, gpus.gpuModels];
  if (gpus.gpuMemory === 0 && lists.every((list) => list.length === 0)) return {};
  return {
    constraints: {
      ...gpus,
      labels: required,
      ...(preferred.length > 0 && { preferred }),
      ...(tolerations.length > 0 && { tolerations }),
      ...(company.length > 0 && { company }),
      ...(data.length > 0 && { data }),
    },
  };
}

function gpuKindOf(layers: readonly Layer[]): Pick<Constraints, 'gpuModels' | 'gpuMemory'> {
  for (const { resources } of layers) {
    const gpu = resources?.gpu ?? resources?.compute?.gpu;
    if (gpu === undefined) continue;
    if (typeof gpu === 'number') break;
    const { type = [], memory } = gpu;
    // Of a share, memory is an amount that is held: see `gpuRequest`.
    const least = memory === undefined || gpuIsShare(gpu) ? bytes(0) : memory;
    return { gpuModels: typeof type === 'string' ? [type] : type, gpuMemory: least };
  }
  return { gpuModels: [], gpuMemory: bytes(0) };
}

type Others = NonNullable<AffinityBlock['pod_affinity']>;
type Rule = NonNullable<Others['preferred']>[number];

function othersOf(kind: 'near' | 'apart', block: Others | undefined): CompanyRule[] {
  return [
    ...(block?.required ?? []).map((rule) => ruleOf(kind, rule, 0)),
    ...(block?.preferred ?? []).map((rule) => ruleOf(kind, rule, rule.weight ?? WEIGHT)),
  ];
}

function ruleOf(
  kind: CompanyRule['kind'],
  { label, values = [], topology = 'node' }: Omit<Rule, 'weight'>,
  weight: number,
): CompanyRule {
  return {
    kind,
    ...(label !== undefined && { label }),
    values: values.map(String),
    topology: labelOf(topology),
    maxSkew: 1,
    weight,
  };
}

function sameOf(block: AffinityBlock['topology']): CompanyRule[] {
  if (block === undefined) return [];
  const { same, required = false } = typeof block === 'string' ? { same: block } : block;
  return [ruleOf('near', { topology: same }, required ? 0 : WEIGHT)];
}

function dataOf(block: AffinityBlock['data']): DataRule[] {
  const within = labelOf(block?.within ?? 'node');
  const { required = [], preferred = [] } = block ?? {};
  return [
    ...(required.length === 0 ? [] : [{ names: required, within, weight: 0 }]),
    ...(preferred.length === 0 ? [] : [{ names: preferred, within, weight: WEIGHT }]),
  ];
}

/** Kubernetes calls the very node by this label. */
const labelOf = (topology: string): string =>
  topology === 'kubernetes.io/hostname' ? 'node' : topology;

type NodeRules = NonNullable<AffinityBlock['node_affinity']>;
type Expression = NonNullable<NodeRules['required']>[number];
type Wish = Expression & Pick<NonNullable<NodeRules['preferred']>[number], 'weight'>;

function expressionOf(
  { key, operator, values }: Expression,
  path: Path,
  problems: Problem[],
): LabelExpression | undefined {
  const wrong = (message: string): undefined => {
    problems.push({ path, message });
    return undefined;
  };
  const texts = (values ?? []).map(String);
  const asked = operator ?? (values === undefined ? 'Exists' : 'In');
  switch (asked) {
    case 'In':
    case 'NotIn':
      if (texts.length === 0) return wrong(`\`${asked}\` needs values`);
      return { operator: asked === 'In' ? 'in' : 'not-in', key, values: texts };
    case 'Exists':
    case 'DoesNotExist':
      if (texts.length > 0) return wrong(`\`${asked}\` looks at no values`);
      return { operator: asked === 'Exists' ? 'exists' : 'does-not-exist', key };
    default: {
      const [value] = texts;
      if (texts.length !== 1 || !/^-?\d{1,15}$/.test(value!)) {
        return wrong(`\`${asked}\` needs one whole number in \`values\``);
      }
      return { operator: asked === 'Gt' ? 'gt' : 'lt', key, value: Number(value) };
    }
  }
}
