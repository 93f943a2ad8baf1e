import { OperationError } from '../model/errors.ts';
import { SECRET_NAME } from '../model/secret-name.ts';

export const secretOperand = {
  name: 'NAME',
  summary: 'name of the secret',
  required: true,
  many: false,
  complete: 'none',
} as const;

/** Throws USAGE for what could be a path or needs quoting. */
export function secretName(operands: readonly string[]): string {
  const [name = ''] = operands;
  if (SECRET_NAME.test(name)) return name;
  const sentence = 'A secret is named by letters, digits, _ . and -, at most 128 of them.';
  throw new OperationError('USAGE', sentence);
}
