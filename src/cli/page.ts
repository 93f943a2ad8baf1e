/** What is known of the place that text goes to. */
export interface Page {
  /** Columns; UNBOUNDED_WIDTH when a program reads it. */
  readonly width: number;
  readonly colour: ColourDepth;
  /** False where only ASCII is sure to be shown. */
  readonly unicode: boolean;
}

export type ColourDepth = 'none' | 'basic' | '256';

export const UNBOUNDED_WIDTH = 10_000;

/** What a colour means; no colour is used for anything else. The status hues are those of Okabe and Ito. */
export type Tone =
  | 'running'
  | 'waiting'
  | 'done'
  | 'failed'
  | 'preempted'
  | 'faint'
  | 'strong'
  | 'inverse'
  | 'cpu'
  | 'memory'
  | 'gpu'
  | 'io';

const codes: Record<Tone, readonly [basic: string, wide: string]> = {
  running: ['34', '38;5;32'],
  waiting: ['33', '38;5;214'],
  done: ['32', '38;5;36'],
  failed: ['31', '38;5;166'],
  preempted: ['35', '38;5;175'],
  faint: ['2', '2'],
  strong: ['1', '1'],
  inverse: ['7', '7'],
  cpu: ['36', '38;5;74'],
  memory: ['35', '38;5;140'],
  gpu: ['32', '38;5;107'],
  io: ['33', '38;5;179'],
};

export function paint(page: Page, tone: Tone | undefined, text: string): string {
  if (tone === undefined || page.colour === 'none' || text === '') return text;
  const [basic, wide] = codes[tone];
  return `\u001b[${page.colour === '256' ? wide : basic}m${text}\u001b[0m`;
}

const glyphs = {
  waiting: ['◷', '.'],
  running: ['▶', '>'],
  succeeded: ['✓', '+'],
  failed: ['✕', 'x'],
  cancelled: ['⊘', '/'],
  skipped: ['↷', '~'],
  preempted: ['⇄', '%'],
  lost: ['?', '?'],
  unknown: ['—', '-'],
  ellipsis: ['…', '..'],
  range: ['–', '-'],
  dot: ['·', '-'],
  times: ['×', 'x'],
  full: ['█', '#'],
  part: ['▒', '='],
  empty: ['░', '.'],
  broken: ['▚', 'x'],
  tick: ['┃', '|'],
  rule: ['─', '-'],
  live: ['●', '*'],
  pointer: ['❯', '>'],
} as const;

export type Glyph = keyof typeof glyphs;

export const glyph = (page: Page, name: Glyph): string => glyphs[name][page.unicode ? 0 : 1];
