import type { DoctorSite } from '../../src/api/contract/doctor-documents.ts';

/** A site of which nothing was measured. */
export const noDoctor: { readonly doctor: DoctorSite } = {
  doctor: {
    report: async () => ({
      from: 0,
      to: 1,
      sentence: 'Nothing was measured.',
      quality: null,
      findings: [],
      looked: [],
    }),
    flow: async (flow) => ({
      flow,
      from: 0,
      to: 1,
      sentence: 'Nothing was measured.',
      steps: [],
      remedies: [],
    }),
    regressions: async () => ({
      from: 0,
      to: 1,
      complete: true,
      sentence: 'Nothing was measured.',
      findings: [],
      layers: [],
    }),
    profile: async () => undefined,
  },
};
