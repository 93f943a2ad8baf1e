import { computed, signal } from '@preact/signals';

const pages = [
  'queue',
  'workloads',
  'nodes',
  'alerts',
  'doctor',
  'reports',
  'tenants',
  'cost',
] as const;

export type Route =
  | { readonly page: 'overview' | (typeof pages)[number] }
  | { readonly page: 'workload'; readonly id: string; readonly attempt: string | undefined }
  | { readonly page: 'nowhere'; readonly hash: string };

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed<Route>(() => parseRoute(hash.value));

function parseRoute(text: string): Route {
  const [path = '', query = ''] = text.replace(/^#?\/?/, '').split('?');
  const [page = '', id] = path.split('/');
  if (page === '') return { page: 'overview' };
  if (page === 'workloads' && id !== undefined) {
    return {
      page: 'workload',
      id,
      attempt: new URLSearchParams(query).get('attempt') ?? undefined,
    };
  }
  const known = pages.find((name) => name === page);
  return known === undefined ? { page: 'nowhere', hash: text } : { page: known };
}

export const workloadHref = (id: string): string => `#/workloads/${id}`;

export const attemptHref = (workload: string, attempt: string): string =>
  `#/workloads/${workload}?attempt=${encodeURIComponent(attempt)}`;

export function go(href: string): void {
  location.hash = href;
}
