import type { Node } from '../../model/node.ts';

/** The label's value in millionths; undefined where it is absent or no plain decimal of up to nine digits. */
export function millionthsOf({ labels }: Node, label: string): number | undefined {
  const value = Object.hasOwn(labels, label) ? labels[label]! : '';
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(value)) return undefined;
  const [whole, part = ''] = value.split('.');
  return Number(whole) * 1_000_000 + Number(part.padEnd(6, '0'));
}
