import { computed, signal } from '@preact/signals';
import { type MetricPlace, metricHref, metricPlace } from './metric-place.ts';
import { places } from './places.ts';
import { type WhatIfPlace, whatIfHref, whatIfPlace } from './what-if-place.ts';

type Page = (typeof places)[number]['page'];

export type Route =
  | { readonly page: Exclude<Page, 'metrics' | 'settings' | 'what-if'> }
  | { readonly page: 'metrics'; readonly at: MetricPlace }
  | { readonly page: 'settings'; readonly search: string }
  | { readonly page: 'what-if'; readonly at: WhatIfPlace }
  | { readonly page: 'workload'; readonly id: string; readonly attempt: string | undefined }
  | { readonly page: 'nowhere'; readonly hash: string };

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed<Route>(() => parseRoute(hash.value));

function parseRoute(text: string): Route {
  const [path = '', query = ''] = text.replace(/^#?\/?/, '').split('?');
  const [name = '', id] = path.split('/');
  const asked = new URLSearchParams(query);
  if (name === 'workloads' && id !== undefined) {
    return { page: 'workload', id, attempt: asked.get('attempt') ?? undefined };
  }
  const page = places.find(({ href }) => href === `#/${name}`)?.page;
  if (page === undefined) return { page: 'nowhere', hash: text };
  if (page === 'metrics') return { page, at: metricPlace(id, asked) };
  if (page === 'settings') return { page, search: asked.get('search') ?? '' };
  if (page === 'what-if') return { page, at: whatIfPlace(asked) };
  return { page };
}

export const workloadHref = (id: string): string => `#/workloads/${id}`;

export const attemptHref = (workload: string, attempt: string): string =>
  `#/workloads/${workload}?attempt=${encodeURIComponent(attempt)}`;

export function go(href: string): void {
  location.hash = href;
}

/** The address for what is shown now; going back does not pass through it. */
export function replace(href: string): void {
  history.replaceState(null, '', href);
  hash.value = location.hash;
}

export const searchSettings = (search: string): void =>
  replace(search === '' ? '#/settings' : `#/settings?${new URLSearchParams({ search })}`);

export const goToWhatIf = (place: WhatIfPlace): void => replace(whatIfHref(place));

export const goToMetric = (place: MetricPlace): void => replace(metricHref(place));
