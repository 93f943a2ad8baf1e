import type { CompanyRule } from '../../model/constraints.ts';
import { keepsCompany } from '../company.ts';
import type { Filter } from '../filter.ts';

/** Every hard rule of one kind holds. */
export function passesRules(kind: CompanyRule['kind']): Filter['passes'] {
  return (table, row, _gpu, constraints) => {
    const { company } = constraints;
    if (company === undefined) return true;
    const node = table.node(row)!;
    return company.every(
      (rule, i) =>
        rule.kind !== kind || rule.weight > 0 || keepsCompany(table, node, constraints, i),
    );
  };
}
