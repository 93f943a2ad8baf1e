/** Items of several sequences as they come. More may be added while it runs; ends when all have and it is sealed. */
export class Merge<T> {
  readonly #items: T[] = [];
  #open = 0;
  #isSealed = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;
  #space: () => void = () => undefined;

  /** How many items may wait for the reader before the sequences are held back. */
  static readonly backlogMax = 64;

  add(sequence: AsyncIterable<T>): void {
    this.#open++;
    void this.#drain(sequence);
  }

  seal(): void {
    this.#isSealed = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.#items.length > 0) {
        yield this.#items.shift()!;
        this.#space();
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#isSealed && this.#open === 0) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #drain(sequence: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of sequence) {
        this.#items.push(item);
        this.#wake();
        while (this.#items.length >= Merge.backlogMax) {
          const before = this.#space;
          await new Promise<void>((resolve) => {
            this.#space = () => {
              before();
              resolve();
            };
          });
        }
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.#open--;
      this.#wake();
    }
  }
}
