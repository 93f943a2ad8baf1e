import type { Engine } from '../engine/engine.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';

/** Whose working folder is whose: a run that goes on with another one works in the folder of the first. */
export class WorkFolders {
  readonly #state: Engine['state'];
  /** Of runs that work in the folder of another one. */
  readonly #folderOf = new Map<WorkloadId, WorkloadId>();
  readonly #users = new Map<WorkloadId, Set<WorkloadId>>();

  constructor({ state }: Engine) {
    this.#state = state;
    for (const { id, resumes } of state.workloads()) this.#add(id, resumes?.folder);
  }

  note(events: readonly Event[]): void {
    for (const event of events) {
      if (event.kind === 'workload-submitted') this.#add(event.workload, event.resumes?.folder);
    }
  }

  /** The folder that nobody needs any more now that this run is forgotten; undefined where somebody does. */
  retire(id: WorkloadId): WorkloadId | undefined {
    const folder = this.#folderOf.get(id) ?? id;
    this.#folderOf.delete(id);
    const users = this.#users.get(folder);
    users?.delete(id);
    if (users !== undefined && users.size > 0) return undefined;
    this.#users.delete(folder);
    return this.#state.workload(folder) === undefined ? folder : undefined;
  }

  #add(id: WorkloadId, folder: WorkloadId | undefined): void {
    if (folder === undefined) return;
    this.#folderOf.set(id, folder);
    const users = this.#users.get(folder) ?? new Set();
    this.#users.set(folder, users.add(id));
  }
}
