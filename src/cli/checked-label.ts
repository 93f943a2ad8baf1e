import { OperationError } from '../model/errors.ts';

/** Of `--label`, as it is sent. */
export function checkedLabel(label: string): string {
  if (/^[^=]+=/.test(label)) return label;
  throw new OperationError('USAGE', `--label ${JSON.stringify(label)} is not key=value.`);
}
