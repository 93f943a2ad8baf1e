import { drf } from './drf.ts';
import { edf } from './edf.ts';
import { fairShare } from './fair-share.ts';
import { fifo } from './fifo.ts';
import { largestFirst } from './largest-first.ts';
import { las } from './las.ts';
import { lottery } from './lottery.ts';
import { multifactor } from './multifactor.ts';
import { priority } from './priority.ts';
import { sjf } from './sjf.ts';
import { stride } from './stride.ts';
import { weightedDrf } from './weighted-drf.ts';

/** Every order. Adding one = its file + one line here. */
export const orders = [
  fifo,
  priority,
  fairShare,
  multifactor,
  drf,
  weightedDrf,
  edf,
  lottery,
  stride,
  las,
  sjf,
  largestFirst,
] as const;
export type OrderName = (typeof orders)[number]['name'];
