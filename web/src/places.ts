/** The pages that can be gone to, in the order of the rail; `g` and the key jumps there. */
export const places = [
  { page: 'overview', href: '#/', name: 'Overview', key: 'o' },
  { page: 'queue', href: '#/queue', name: 'Queue', key: 'q' },
  { page: 'workloads', href: '#/workloads', name: 'Workloads', key: 'w' },
  { page: 'nodes', href: '#/nodes', name: 'Nodes', key: 'n' },
  { page: 'metrics', href: '#/metrics', name: 'Metrics', key: 'm' },
  { page: 'alerts', href: '#/alerts', name: 'Alerts', key: 'a' },
  { page: 'doctor', href: '#/doctor', name: 'Doctor', key: 'd' },
  { page: 'reports', href: '#/reports', name: 'Reports', key: 'r' },
  { page: 'tenants', href: '#/tenants', name: 'Tenants', key: 't' },
  { page: 'cost', href: '#/cost', name: 'Cost', key: 'c' },
  { page: 'what-if', href: '#/what-if', name: 'What-if', key: 'i' },
  { page: 'settings', href: '#/settings', name: 'Settings', key: 's' },
] as const;
