import type { WorkloadSummary } from '../../api/contract/documents.ts';

/** What the person at the keyboard has chosen. */
export interface TopState {
  readonly view: 'list' | 'detail' | 'help';
  /** An id, so that the choice stays on its workload while rows come and go. */
  readonly selected: string | undefined;
  readonly filter: string;
  readonly isTyping: boolean;
  readonly sort: Sort;
}

type Sort = 'newest' | 'state' | 'name';
const sorts: readonly Sort[] = ['newest', 'state', 'name'];
const FILTER_MAX = 40;

export const initialTopState: TopState = {
  view: 'list',
  selected: undefined,
  filter: '',
  isTyping: false,
  sort: 'newest',
};

/** The workloads that the filter leaves, in the chosen order. */
export function visibleWorkloads(
  workloads: readonly WorkloadSummary[],
  state: Pick<TopState, 'filter' | 'sort'>,
): readonly WorkloadSummary[] {
  const wanted = state.filter.toLowerCase();
  const kept = workloads.filter(({ id, name, status, queue }) =>
    [id, name, status, queue].some((text) => text.toLowerCase().includes(wanted)),
  );
  const byNewest = (a: WorkloadSummary, b: WorkloadSummary): number => Number(b.id) - Number(a.id);
  const rank = {
    running: 0,
    waiting: 1,
    spilled: 2,
    failed: 3,
    cancelled: 4,
    skipped: 4,
    succeeded: 5,
  } as const;
  return kept.toSorted((a, b) => {
    if (state.sort === 'state') return rank[a.status] - rank[b.status] || byNewest(a, b);
    if (state.sort === 'name') return a.name < b.name ? -1 : a.name > b.name ? 1 : byNewest(a, b);
    return byNewest(a, b);
  });
}

/** The state after a key; undefined when the key means the end. */
export function pressKey(
  state: TopState,
  key: string,
  workloads: readonly WorkloadSummary[],
): TopState | undefined {
  if (key === '\u0003') return undefined;
  if (state.isTyping) return typeKey(state, key);
  if (state.view !== 'list') {
    const isBack = ['q', '\u001b', '\u007f', '?', 'h', '\u001b[D'].includes(key);
    return isBack ? { ...state, view: 'list' } : state;
  }
  const ids = visibleWorkloads(workloads, state).map(({ id }) => id);
  const at = Math.max(0, ids.indexOf(state.selected ?? ''));
  const select = (index: number): TopState => ({
    ...state,
    selected: ids[Math.max(0, Math.min(ids.length - 1, index))],
  });
  switch (key) {
    case 'q':
      return undefined;
    case 'j':
    case '\u001b[B':
      return select(at + 1);
    case 'k':
    case '\u001b[A':
      return select(at - 1);
    case 'g':
      return select(0);
    case 'G':
      return select(ids.length - 1);
    case '\r':
    case '\n':
    case 'l':
    case '\u001b[C':
      return ids.length === 0 ? state : { ...select(at), view: 'detail' };
    case '/':
      return { ...state, isTyping: true };
    case 's':
      return { ...state, sort: sorts[(sorts.indexOf(state.sort) + 1) % sorts.length]! };
    case '?':
    case 'h':
      return { ...state, view: 'help' };
    case '\u001b':
      return { ...state, filter: '' };
    default:
      return state;
  }
}

function typeKey(state: TopState, key: string): TopState {
  if (key === '\r' || key === '\n') return { ...state, isTyping: false };
  if (key === '\u001b') return { ...state, isTyping: false, filter: '' };
  if (key === '\u007f' || key === '\b') return { ...state, filter: state.filter.slice(0, -1) };
  const isText = /^[\P{C}]$/u.test(key) && state.filter.length < FILTER_MAX;
  return isText ? { ...state, filter: state.filter + key } : state;
}
