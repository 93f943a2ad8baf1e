import { createRoute, type RouteConfig } from '@hono/zod-openapi';
import type { ErrorCode } from '../../model/errors.ts';
import { problemSchema } from '../contract/documents.ts';
import { PROBLEM_TYPE, statusesOf, titles } from './problem.ts';

const always: readonly ErrorCode[] = ['UNAUTHORIZED', 'FORBIDDEN'];

/**
 * One operation of the API, with the problems that it can answer. Problems are thrown, never
 * returned, so the handler's type is that of its good answers alone.
 */
export function defineOperation<
  P extends string,
  R extends Omit<RouteConfig, 'path'> & { path: P; operationId: string },
>(route: R, codes: readonly ErrorCode[]) {
  const problems = [...statusesOf([...always, ...codes])].map(([status, of]) => [
    status,
    {
      description: `${titles[status]}: ${of.join(', ')}`,
      content: { [PROBLEM_TYPE]: { schema: problemSchema } },
    },
  ]);
  const unforeseen = {
    description: titles[500],
    content: { [PROBLEM_TYPE]: { schema: problemSchema } },
  };
  Object.assign(route.responses, Object.fromEntries(problems), { 500: unforeseen });
  return createRoute<P, R>(route);
}
