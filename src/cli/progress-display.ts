import type { WorkloadDocument } from '../api/contract/documents.ts';
import { LiveArea } from './live-area.ts';
import { paint } from './page.ts';
import { renderProgress } from './progress.ts';
import { progressLog } from './progress-log.ts';
import { truncate, wrap } from './text.ts';
import type { World } from './world.ts';

const TICK_MS = 1_000;

/** Shows a workload on stderr as it goes: redrawn in place on a terminal, else a line per change. */
export class ProgressDisplay {
  readonly #world: World;
  readonly #area: LiveArea | undefined;
  readonly #ticker: ReturnType<typeof setInterval> | undefined;
  #document: WorkloadDocument | undefined;
  #question: string | undefined;

  /** Only one may be redrawn at a time: the others are logged. */
  constructor(world: World, options: { readonly mayRedraw: boolean }) {
    this.#world = world;
    const { terminal, settings } = world;
    if (!options.mayRedraw) return;
    if (settings.quiet.value || !terminal.stderr.isTerminal || !terminal.canRedraw) return;
    this.#area = new LiveArea((text) => terminal.writeError(text));
    this.#ticker = setInterval(() => this.#draw(), TICK_MS);
  }

  show(document: WorkloadDocument): void {
    const before = this.#document;
    this.#document = document;
    if (this.#area !== undefined) this.#draw();
    else for (const line of progressLog(before, document)) this.#world.note(line);
  }

  /** A sentence above the live lines. */
  say(sentence: string): void {
    this.#area?.clear();
    this.#world.note(sentence);
    this.#draw();
  }

  /** A line below them, until it is taken away with undefined. */
  ask(question: string | undefined): void {
    this.#question = question;
    this.#draw();
  }

  close(): void {
    clearInterval(this.#ticker);
    this.#area?.clear();
  }

  #draw(): void {
    if (this.#area === undefined || this.#document === undefined) return;
    const { terminal } = this.#world;
    const page = terminal.stderrPage();
    // The last column stays free: some terminals wrap when it is written.
    const inner = { ...page, width: page.width - 1 };
    const question =
      this.#question === undefined
        ? []
        : wrap(this.#question, inner.width).map((line) =>
            paint(page, 'inverse', truncate(page, line, inner.width)),
          );
    const rows = terminal.rows() - 1 - question.length;
    const lines = renderProgress(this.#document, { page: inner, now: this.#world.now(), rows });
    this.#area.draw([...lines.slice(0, Math.max(1, rows)), ...question]);
  }
}
