/** What was found in manifests, before it is written as a site document. */

export interface Sourced<T> {
  readonly value: T;
  /** `file:line`, and what stands there. */
  readonly from: string;
}

export interface FoundLimits {
  /** In thousandths of a core. */
  cpu?: Sourced<number>;
  memory?: Sourced<number>;
  /** In whole devices, by the domain that their resource has in Kubernetes. */
  readonly gpus: Map<string, Sourced<number>>;
  /** Pods. */
  tasks?: Sourced<number>;
  /** Jobs. */
  workloads?: Sourced<number>;
}

export interface FoundQueue extends FoundLimits {
  readonly name: string;
  /** Why there is this queue. */
  readonly from: string[];
  weight?: Sourced<string>;
  priority?: Sourced<number>;
}

export interface FoundClass {
  readonly name: string;
  readonly value: number;
  readonly isDefault: boolean;
  /** False for `preemptionPolicy: Never`. */
  readonly preempts: boolean;
  readonly from: string;
}

export interface FoundUser {
  readonly name: string;
  readonly from: string;
  readonly weight?: Sourced<string>;
  readonly maxRunning?: Sourced<number>;
}

/** Where shares are switched on. */
export interface FairSharing {
  readonly from: string;
  warn(of: 'queues' | 'users', message: string): void;
}

export class Findings {
  readonly queues = new Map<string, FoundQueue>();
  /** By name: Kubernetes knows no other PriorityClass of the same name. */
  readonly classes = new Map<string, FoundClass>();
  readonly users: FoundUser[] = [];
  fairSharing: FairSharing | undefined;
  /** What may be there once, by what names it, with its place. */
  readonly #places = new Map<string, string>();

  queue(name: string, from: string): FoundQueue {
    const fresh: FoundQueue = { name, from: [], gpus: new Map() };
    const found = this.queues.get(name) ?? fresh;
    this.queues.set(name, found);
    if (!found.from.includes(from)) found.from.push(from);
    return found;
  }

  /** Where the same thing was met before; otherwise it is kept. */
  metBefore(what: string, place: string): string | undefined {
    const first = this.#places.get(what);
    if (first === undefined) this.#places.set(what, place);
    return first;
  }
}

/** The stricter of two limits: both hold. */
export const stricter = (
  known: Sourced<number> | undefined,
  other: Sourced<number>,
): Sourced<number> => (known === undefined || other.value < known.value ? other : known);
