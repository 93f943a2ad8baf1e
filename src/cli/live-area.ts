/** Lines at the bottom of a terminal that are drawn again in place. They must fit its width. */
export class LiveArea {
  readonly #write: (text: string) => void;
  #height = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  draw(lines: readonly string[]): void {
    const body = lines.map((line) => `\u001b[2K${line}\n`).join('');
    this.#write(`${this.#home()}${body}\u001b[J`);
    this.#height = lines.length;
  }

  /** Takes the lines away; what is written next stands where they were. */
  clear(): void {
    if (this.#height === 0) return;
    this.#write(`${this.#home()}\u001b[J`);
    this.#height = 0;
  }

  #home(): string {
    return this.#height === 0 ? '' : `\r\u001b[${this.#height}A`;
  }
}
