/** The places between the steps of the loop at which a daemon may die. */
export const deathPlaces = [
  'before-deciding',
  'before-journal',
  'before-acting',
  'while-acting',
  'before-answer',
  'idle',
] as const;
export type DeathPlace = (typeof deathPlaces)[number];

/**
 * One life of the daemon. Its ports ask here: once the life is over, nothing that the code still does
 * reaches the world, and nothing reaches it, just as if the process had been killed.
 */
export class Life {
  readonly #onDeath: (place: DeathPlace) => void;
  #over = false;
  #doom: { readonly place: DeathPlace; visits: number } | undefined;

  constructor(onDeath: (place: DeathPlace) => void) {
    this.#onDeath = onDeath;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Ends the life at its `visits`-th visit of that place. */
  doom(place: DeathPlace, visits: number): void {
    this.#doom = { place, visits };
  }

  spare(): void {
    this.#doom = undefined;
  }

  /** Says that the code has come to a place; true when the life is over. */
  reaches(place: DeathPlace): boolean {
    if (this.#over || this.#doom?.place !== place) return this.#over;
    this.#doom.visits--;
    if (this.#doom.visits <= 0) this.end(place);
    return this.#over;
  }

  end(place: DeathPlace): void {
    if (this.#over) return;
    this.#over = true;
    this.#onDeath(place);
  }
}
