import { escapeHtml } from '../../html/page.ts';
import { lookOf } from '../../html/plot.ts';

/** Each policy by its line, in the order of the looks; not needed for one. */
export function legend(policies: readonly { readonly name: string }[]): string {
  if (policies.length < 2) return '';
  const items = policies.map(
    ({ name }, look) =>
      `<li><svg class="swatch" aria-hidden="true" viewBox="0 0 30 10"><path ${lookOf(look)} d="M0,5H30"/></svg>${escapeHtml(name)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** CSS that it needs. */
export const legendStyle = `
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:.5rem 0;padding:0}
.swatch{display:inline-block;width:30px;height:10px;margin-right:.4rem;vertical-align:middle}`;
