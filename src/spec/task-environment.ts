import { threadVariableNames } from '../model/thread-variable-names.ts';

/** What the runtime sets, of every task where nothing else is said; a document may not set names with BERTH_. */
export const taskEnvironment: Readonly<Record<string, string>> = {
  BERTH_WORKLOAD: 'Id of the workload.',
  BERTH_STEP: 'Id of the step.',
  BERTH_TASK_INDEX: 'Number of the task within its step, from 0.',
  BERTH_TASK_COUNT: 'How many tasks the step has.',
  BERTH_ATTEMPT: '1 the first time, 2 after one retry, and so on.',
  BERTH_ATTEMPT_ID: 'Id of the attempt. With BERTH_INSTANCE it marks the processes of a task.',
  BERTH_INSTANCE: 'Name of the state folder, in hexadecimal digits.',
  BERTH_WORKDIR: 'A folder that all tasks of the workload share.',
  BERTH_CPUS: 'Cores that the task may count on, as a decimal number.',
  BERTH_MEMORY_BYTES: 'Memory that the task may count on, in bytes.',
  BERTH_GPU_MEMORY_BYTES:
    'Memory of the GPU that a share of it may use, in bytes; set for shares only.',
  BERTH_OUTPUT:
    'A file for what comes of it: NAME=VALUE lines, the value JSON where it parses as that; at most 64 KiB. Other steps see them as `steps.ID.outputs`.',
  BERTH_USAGE:
    'A file in which it tells of its use, with limits on that: lines `$BERTH_ATTEMPT_ID model_calls=1 tokens=250 results=10`, each of what came since the last. All tasks of the workload share it.',
  BERTH_METRICS:
    'A file to which it may append metrics in the text format of Prometheus: lines `model_accuracy{model_name="m",version="2"} 0.93`. `/metrics` exports them.',
  'BERTH_MAX_MODEL_CALLS, BERTH_MAX_TOKENS, BERTH_MAX_RESULTS':
    'What it may tell in BERTH_USAGE, where that is limited.',
  'BERTH_WORKLOAD_MAX_MODEL_CALLS, BERTH_WORKLOAD_MAX_TOKENS':
    'The same of all tasks of its workload together.',
  BERTH_NODE: 'Path of the Node.js program that runs Berth.',
  BERTH_SCRATCH: 'Its scratch folder, also in TMPDIR; with `storage.temp_storage`.',
  'BERTH_VOLUME_<NAME>': 'Where the volume is, in capitals and _; with `storage.volumes`.',
  BERTH_SECRETS: 'The folder of its secrets as files; with `isolation.secrets`.',
  'BERTH_URL, BERTH_TOKEN': 'The daemon, and a token of the task; with `isolation.daemon_access`.',
  'BERTH_CUSTOM_<NAME>': 'How much it holds of a custom resource, in capitals and _.',
  'PORT_<NAME>, PORT': 'Ports that it was given, in capitals and _; PORT where there is one.',
  [threadVariableNames.join(', ')]:
    'Whole CPUs that it holds, at least 1; unless `thread_variables: false`.',
  'CUDA_VISIBLE_DEVICES, NVIDIA_VISIBLE_DEVICES':
    'UUIDs of its GPUs or MIG instances; none: empty and `void`.',
  'ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES': 'Of AMD: its GPUs, and their numbers among those.',
  'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE, CUDA_MPS_PINNED_DEVICE_MEM_LIMIT':
    'Its part of a GPU that is shared by MPS.',
};
