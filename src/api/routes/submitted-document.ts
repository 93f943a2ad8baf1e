import { z } from 'zod';
import { OperationError } from '../../model/errors.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import type { Origin, Parse } from './api-env.ts';
import { DOCUMENT_BYTES_MAX, readText } from './body.ts';
import { quote } from './params.ts';

const FILES_MAX = 128;
const written = { schema: { type: 'string' as const, maxLength: DOCUMENT_BYTES_MAX } };
const fileName = z.string().min(1).max(4096);

const bundleSchema = z.strictObject({
  text: z.string(),
  files: z
    .record(fileName, z.string())
    .refine((files) => Object.keys(files).length <= FILES_MAX, {
      error: `at most ${FILES_MAX} files`,
    })
    .optional(),
  vars: z.record(z.string().max(63), z.string()).optional(),
  vars_files: z.array(fileName).max(16).optional(),
});

const texts = { type: 'object' as const, additionalProperties: { type: 'string' as const } };
/** The same for people. As a schema of zod, the router would read every body as JSON to check it. */
const bundleForm = {
  type: 'object' as const,
  required: ['text'],
  properties: {
    text: { type: 'string' as const, description: 'The document itself' },
    files: { ...texts, description: 'What it includes, by the path from its own folder' },
    vars: { ...texts, description: 'Values of its `vars`, as text' },
    vars_files: {
      type: 'array' as const,
      items: { type: 'string' as const },
      description: 'Those of `files` that are maps of values of its `vars`',
    },
  },
};

const BUNDLE_TYPE = 'application/vnd.berth.bundle+json';

/** A document of a workload, as its text; or with what it includes, as a bundle. */
export const documentBody = {
  required: true,
  content: {
    'application/yaml': written,
    'application/json': written,
    'text/plain': written,
    [BUNDLE_TYPE]: { schema: bundleForm },
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
  const isBundle = type.split(';')[0]?.trim().toLowerCase() === BUNDLE_TYPE;
  if (!isBundle && !documentTypes.test(type)) {
    throw new OperationError(
      'USAGE',
      `The body is ${type === '' ? 'of no type' : quote(type)}; send application/yaml, application/json, text/plain or ${BUNDLE_TYPE}.`,
    );
  }
  const body = await readText(request);
  const { text, ...along } = isBundle ? readBundle(body) : { text: body };
  const parsed = parse(text, { fileName: file, cwd, ...along });
  if (parsed.ok) return parsed;
  throw new OperationError('SPEC_INVALID', parsed.text, { issues: parsed.issues });
}

type Bundle = { readonly text: string } & Pick<Origin, 'files' | 'vars' | 'varsFiles'>;

function readBundle(body: string): Bundle {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new OperationError('USAGE', 'The bundle is not JSON.', {}, cause);
  }
  const parsed = bundleSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new OperationError('USAGE', `The bundle is wrong: ${path.join('.')}: ${message}.`);
  }
  const { text, files, vars, vars_files: varsFiles } = parsed.data;
  return { text, ...(files && { files }), ...(vars && { vars }), ...(varsFiles && { varsFiles }) };
}
