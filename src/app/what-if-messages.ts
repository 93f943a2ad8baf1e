import type {
  WhatIfAsker,
  WhatIfDocument,
  WhatIfRequest,
} from '../api/contract/what-if-documents.ts';
import type { TimeMs } from '../base/units.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { JournalRow } from '../store/io/journal.ts';
import type { PackedRow } from '../store/io/snapshot-table.ts';

/** What the thread that looks ahead is told of the site. */
export interface WhatIfThreadData {
  readonly stateDir: string;
  readonly site: SiteConfig;
  /** Absent: the site has no file. */
  readonly siteFile: string | null;
  readonly siteText: string;
  readonly money: MoneyConfig;
}

/** To that thread, in order. */
export type WhatIfMessage =
  /** First of all; none: the journal is whole. */
  | { readonly kind: 'snapshots'; readonly rows: readonly PackedRow[] }
  /** All that comes after what it has. */
  | { readonly kind: 'rows'; readonly rows: readonly JournalRow[] }
  /** Of an earlier time, for the question that comes next. */
  | { readonly kind: 'past'; readonly rows: readonly JournalRow[] }
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly asked: WhatIfRequest;
      readonly by: WhatIfAsker;
      readonly at: TimeMs;
      /** Of the window that is asked about, which the `past` before it is for. */
      readonly from?: TimeMs;
    };

/** From it: that it has read a snapshot, and then one for each question. */
export type WhatIfReply =
  /** The event that its state stands after; 0 where it could use no snapshot. */
  | { readonly id: 0; readonly sequence: number }
  | { readonly id: number; readonly document: WhatIfDocument }
  | {
      readonly id: number;
      readonly problem: {
        readonly code: string;
        readonly message: string;
        readonly facts: Readonly<Record<string, unknown>>;
      };
    };
