import { milliGpu } from '../base/units.ts';
import type { Node } from '../model/node.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';

/**
 * A workload as a site runs it that maps GPUs onto CPU while no node has any: its steps ask for none, and say
 * what they asked for. Asked anew of a run that is repeated. A lease stays as it is: who asks for a device to
 * hold has no use of another.
 */
export function withGpusOnCpu(
  asked: WorkloadSpec,
  nodes: readonly Node[],
  gpuAbsent: SchedulingConfig['gpuAbsent'],
): WorkloadSpec {
  const spec = asked.steps.some(({ inPlaceOf }) => inPlaceOf) ? asWritten(asked) : asked;
  if (gpuAbsent !== 'cpu' || spec.kind === 'lease') return spec;
  const isAbsent = nodes.length > 0 && nodes.every(({ gpus }) => gpus.length === 0);
  if (!isAbsent) return spec;
  return { ...spec, steps: spec.steps.map(onCpu) };
}

function onCpu(step: StepSpec): StepSpec {
  const { gpu, gpuMemory, mig, ...rest } = step.request;
  if (gpu === 0) return step;
  return {
    ...step,
    request: { ...rest, gpu: milliGpu(0) },
    inPlaceOf: {
      gpu,
      ...(gpuMemory !== undefined && { gpuMemory }),
      ...(mig !== undefined && { mig }),
    },
  };
}

const asWritten = (spec: WorkloadSpec): WorkloadSpec => ({
  ...spec,
  steps: spec.steps.map(({ inPlaceOf, ...step }) =>
    inPlaceOf === undefined ? step : { ...step, request: { ...step.request, ...inPlaceOf } },
  ),
});
