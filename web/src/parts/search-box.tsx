import { useSignal } from '@preact/signals';
import type { NodeList, WorkloadList } from '../../../src/api/contract/documents.ts';
import { places } from '../places.ts';
import { go, workloadHref } from '../router.ts';
import { anyWorkload, useDocument } from '../use-document.ts';
import { Mark, type MarkState } from './mark.tsx';

const SHOWN_MAX = 9;

interface Found {
  readonly href: string;
  readonly name: string;
  readonly detail: string;
  readonly state: MarkState | undefined;
}

const pages: readonly Found[] = places.map(({ href, name }) => ({
  href,
  name,
  detail: 'page',
  state: undefined,
}));

/** One field over pages, workloads and nodes; reads their lists once it has the focus. */
export function SearchBox() {
  const open = useSignal(false);
  const query = useSignal('');
  const at = useSignal(0);
  const reread = { when: anyWorkload, everyMs: 5_000 };
  const workloads = useDocument<WorkloadList>(
    open.value ? '/api/v1/workloads?state=all&limit=1000' : undefined,
    reread,
  ).value.value;
  const nodes = useDocument<NodeList>(open.value ? '/api/v1/nodes' : undefined, reread).value.value;
  const found =
    query.value.trim() === '' ? [] : search(query.value.trim().toLowerCase(), workloads, nodes);
  const leave = (): void => {
    open.value = false;
    query.value = '';
    at.value = 0;
  };
  const choose = (href: string): void => {
    go(href);
    leave();
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') at.value = Math.min(at.value + 1, found.length - 1);
    else if (event.key === 'ArrowUp') at.value = Math.max(at.value - 1, 0);
    else if (event.key === 'Enter' && found[at.value] !== undefined) choose(found[at.value]!.href);
    else return;
    event.preventDefault();
  };
  return (
    <div class="search">
      <input
        id="search"
        type="text"
        role="combobox"
        aria-label="Search workloads, nodes and pages"
        aria-expanded={found.length > 0}
        aria-controls="search-found"
        aria-activedescendant={found.length > 0 ? `found-${at.value}` : undefined}
        aria-autocomplete="list"
        placeholder="Search  /"
        autocomplete="off"
        value={query.value}
        onFocus={() => {
          open.value = true;
        }}
        onBlur={leave}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <div id="search-found" role="listbox" aria-label="Found" hidden={query.value.trim() === ''}>
        {found.map(({ href, name, detail, state }, i) => (
          <div
            key={href}
            id={`found-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at.value}
            // Before the blur of the field takes the list away.
            onPointerDown={(event) => {
              event.preventDefault();
              choose(href);
            }}
          >
            {state === undefined ? <i /> : <Mark state={state} />}
            <span class="name">{name}</span>
            <span class="muted">{detail}</span>
          </div>
        ))}
        {found.length === 0 && <p class="muted">Nothing is called that.</p>}
      </div>
    </div>
  );
}

function search(
  wanted: string,
  workloads: WorkloadList | undefined,
  nodes: NodeList | undefined,
): readonly Found[] {
  const all: readonly Found[] = [
    ...(workloads?.workloads ?? []).map(({ id, name, status }) => ({
      href: workloadHref(id),
      name,
      detail: `#${id} ${status === 'succeeded' ? 'done' : status}`,
      state: status,
    })),
    ...(nodes?.nodes ?? []).map(({ id }) => ({
      href: '#/nodes',
      name: id,
      detail: 'node',
      state: undefined,
    })),
    ...pages,
  ];
  return all
    .filter(({ name, detail }) => `${name} ${detail}`.toLowerCase().includes(wanted))
    .slice(0, SHOWN_MAX);
}
