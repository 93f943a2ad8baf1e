import type { ReportSite } from '../../src/api/contract/report-documents.ts';

/** A site of which nothing is reported. */
export const noReports: { readonly reports: ReportSite } = {
  reports: {
    kpis: async () => ({ from: 0, to: 1, complete: true, kpis: [], objectives: [] }),
    report: () => Promise.reject(new Error('no report here')),
    reports: async () => ({ now: 0, reports: [], schedules: [] }),
    kept: async () => undefined,
  },
};
