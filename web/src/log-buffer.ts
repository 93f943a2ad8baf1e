/** A bounded window of lines on one log. */
export class LogBuffer {
  readonly #linesMax: number;
  #lines: string[] = [];
  #open = '';
  /** Where the first kept line begins, in bytes since the attempt began; unknown before the first chunk. */
  offset: number | undefined;
  next = 0;
  dropped = 0;
  /** Lines that this window gave up, at its beginning. */
  forgotten = 0;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** Whole lines, then the one that is being written; a new array each time. */
  lines(): readonly string[] {
    return this.#open === '' ? [...this.#lines] : [...this.#lines, asShown(this.#open)];
  }

  append(chunk: {
    readonly text: string;
    readonly offset: number;
    readonly next: number;
    readonly dropped: number;
  }): void {
    this.offset ??= chunk.offset;
    this.next = chunk.next;
    this.dropped += chunk.dropped;
    const pieces = (this.#open + chunk.text).split('\n');
    this.#open = pieces.pop()!;
    for (const piece of pieces) this.#lines.push(asShown(piece));
    const over = this.#lines.length - this.#linesMax;
    if (over <= 0) return;
    this.#lines.splice(0, over);
    this.forgotten += over;
  }

  /** Text that stands right before what is kept; its last line goes on in the first kept one. */
  prepend(text: string, offset: number): void {
    this.offset = offset;
    const pieces = text.split('\n').map(asShown);
    const joint = pieces.pop()!;
    if (this.#lines.length > 0) this.#lines[0] = joint + this.#lines[0]!;
    else this.#open = joint + this.#open;
    this.#lines.unshift(...pieces);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and cursor moves are what it removes
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

/** A line as a terminal would leave it: no colours, and after `\r` the last writing stands. */
function asShown(line: string): string {
  const plain = line.replace(escapes, '').replace(/\r+$/, '');
  const again = plain.lastIndexOf('\r');
  return again === -1 ? plain : plain.slice(again + 1);
}
