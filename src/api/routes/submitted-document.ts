import { OperationError } from '../../model/errors.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import type { Parse } from './api-env.ts';
import { DOCUMENT_BYTES_MAX, readText } from './body.ts';
import { quote } from './params.ts';

const written = { schema: { type: 'string' as const, maxLength: DOCUMENT_BYTES_MAX } };

/** A document of a workload, as its text. */
export const documentBody = {
  required: true,
  content: {
    'application/yaml': written,
    'application/json': written,
    'text/plain': written,
  },
};

const documentTypes = /^(application\/(x-)?(yaml|json)|text\/(plain|yaml|x-yaml))\s*(;|$)/i;

/** @throws OperationError USAGE, BODY_TOO_LARGE, SPEC_INVALID. */
export async function parseBody(
  request: Request,
  { file, cwd }: { readonly file: string; readonly cwd: string },
  parse: Parse,
): Promise<{ readonly spec: WorkloadSpec; readonly warnings: readonly string[] }> {
  const type = request.headers.get('content-type') ?? '';
  if (!documentTypes.test(type)) {
    throw new OperationError(
      'USAGE',
      `The body is ${type === '' ? 'of no type' : quote(type)}; send application/yaml, application/json or text/plain.`,
    );
  }
  const parsed = parse(await readText(request), { fileName: file, cwd });
  if (parsed.ok) return parsed;
  throw new OperationError('SPEC_INVALID', parsed.text, { issues: parsed.issues });
}
