import { type ErrorCode, errorTable, OperationError } from '../../model/errors.ts';
import type { Problem } from '../contract/documents.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export function problemOf(error: OperationError): Problem {
  const row = errorTable[error.code];
  const { issues, hint, ...facts } = error.facts;
  return {
    type: `urn:berth:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: titles[row.http] ?? 'Failed',
    status: row.http,
    detail: error.message,
    code: error.code,
    hint: typeof hint === 'string' ? hint : row.hint,
    ...(Array.isArray(issues) ? { issues } : {}),
    ...(Object.keys(facts).length > 0 ? { facts } : {}),
  };
}

/** For failures that nobody foresaw: says where to look, and nothing of what happened inside. */
export const internalProblem: Problem = {
  type: 'urn:berth:problem:internal',
  title: 'Internal error',
  status: 500,
  detail: 'Something failed inside Berth.',
  code: 'INTERNAL',
  hint: 'See STATE/logs/daemon.log.',
};

export const notFound = (what: string): OperationError =>
  new OperationError('NOT_FOUND', `There is no ${what}.`);

/** The statuses that these codes answer with, for the OpenAPI document. */
export const statusesOf = (codes: readonly ErrorCode[]): Map<number, ErrorCode[]> =>
  Map.groupBy(codes, (code) => errorTable[code].http);

export const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Token missing or wrong',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Refused',
  413: 'Too large',
  422: 'The document has errors',
  500: 'Internal error',
  503: 'Not available',
  504: 'Timed out',
  507: 'Disk full',
};
