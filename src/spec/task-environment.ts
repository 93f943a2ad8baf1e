/** What the runtime sets for every task; a document may not set names that begin like these. */
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
  BERTH_NODE: 'Path of the Node.js program that runs Berth.',
};
