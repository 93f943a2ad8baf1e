import type { Resource } from '../panels.ts';

interface BarProps {
  readonly resource: Resource;
  /** Outline. */
  readonly requested?: number | null | undefined;
  /** Fill. */
  readonly used?: number | null | undefined;
  /** Tick. */
  readonly limit?: number | null | undefined;
  /** The right end, where it is not the largest of the three. */
  readonly whole?: number | undefined;
  /** All of it in words, with units and where the numbers are from. */
  readonly label: string;
}

/** The one bar of Berth: requested is outline, used is fill, limit is a tick. Unknown parts are not drawn. */
export function ResourceBar({ resource, requested, used, limit, whole, label }: BarProps) {
  // An amount that is not known is given out as nothing: the whole may be zero.
  const end = Math.max(whole ?? Math.max(requested ?? 0, used ?? 0, (limit ?? 0) * 1.04), 1e-9);
  const at = (amount: number): string => `${Math.min(100, (amount / end) * 100).toFixed(2)}%`;
  return (
    <svg class={`bar ${resource}`} width="100%" height="12" role="img" aria-label={label}>
      <title>{label}</title>
      <rect class="bar-ground" x="0" y="2" width="100%" height="8" />
      {used != null && <rect class="bar-used" x="0" y="2" width={at(used)} height="8" />}
      {requested != null && requested > 0 && (
        <rect
          class="bar-requested"
          x="0.75"
          y="2.75"
          height="6.5"
          style={{ width: `max(0px, calc(${at(requested)} - 1.5px))` }}
        />
      )}
      {requested != null && used != null && used > requested && (
        <line class="bar-passed" x1={at(requested)} x2={at(requested)} y1="2" y2="10" />
      )}
      {limit != null && <line class="bar-limit" x1={at(limit)} x2={at(limit)} y1="0" y2="12" />}
    </svg>
  );
}
