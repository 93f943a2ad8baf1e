import { assertNever } from '../base/assert.ts';
import type { LabelExpression } from '../model/constraints.ts';

/** As Kubernetes has it: a label that is absent is not in any list, and neither above nor below. */
export function labelHolds(
  expression: LabelExpression,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = Object.hasOwn(labels, expression.key) ? labels[expression.key] : undefined;
  switch (expression.operator) {
    case 'exists':
      return value !== undefined;
    case 'does-not-exist':
      return value === undefined;
    case 'in':
      return value !== undefined && expression.values.includes(value);
    case 'not-in':
      return value === undefined || !expression.values.includes(value);
    case 'gt':
      return isInteger(value) && Number(value) > expression.value;
    case 'lt':
      return isInteger(value) && Number(value) < expression.value;
    default:
      return assertNever(expression);
  }
}

const isInteger = (value: string | undefined): value is string =>
  value !== undefined && /^-?\d{1,15}$/.test(value);
