/** Pages that need nothing else: no script, no font, no picture from elsewhere. */

export function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[one]!,
  );
}

export interface HtmlPage {
  /** Of the window. */
  readonly title: string;
  readonly heading: string;
  /** Under the heading. */
  readonly subtitle: string;
  /** HTML. */
  readonly sections: readonly string[];
  /** CSS beside that of all pages. */
  readonly style?: string;
}

/** It follows the reader's choice of light or dark, and can be printed. */
export function htmlPage({ title, heading, subtitle, sections, style = '' }: HtmlPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${baseStyle}${style}</style>
</head>
<body>
<header><h1>${escapeHtml(heading)}</h1><p>${escapeHtml(subtitle)}</p></header>
<main>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

export const section = (id: string, title: string, body: string): string =>
  `<section aria-labelledby="${id}"><h2 id="${id}">${escapeHtml(title)}</h2>${body}</section>`;

/** Text, or HTML. */
export type Cell = string | { readonly html: string };

/** The first cell names its row. On a narrow page it is scrolled sideways, also by keys. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  if (rows.length === 0) return '<p>None.</p>';
  const cell = (one: Cell): string => (typeof one === 'string' ? escapeHtml(one) : one.html);
  const row = ([first = '', ...others]: readonly Cell[]): string =>
    `<tr><th scope="row">${cell(first)}</th>${others.map((one) => `<td>${cell(one)}</td>`).join('')}</tr>`;
  return `<div class="wide" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${head
    .map((one) => `<th scope="col">${escapeHtml(one)}</th>`)
    .join('')}</tr></thead><tbody>${rows.map(row).join('')}</tbody></table></div>`;
}

export const list = (sentences: readonly string[]): string =>
  `<ul>${sentences.map((one) => `<li>${escapeHtml(one)}</li>`).join('')}</ul>`;

export const figure = (caption: string, body: string): string =>
  `<figure><figcaption>${escapeHtml(caption)}</figcaption>${body}</figure>`;

/** A state by colour, and by a mark and a word beside it. */
export const badge = (look: 'good' | 'warning' | 'critical' | 'unknown', text: string): Cell => ({
  html: `<span class="state ${look}">${escapeHtml(text)}</span>`,
});

/** Colours of Okabe and Ito. On a narrow screen the pictures shrink, and their words do not. */
const baseStyle = `
:root{--ground:#fff;--ink:#1c1c1c;--faint:#595959;--rule:#d0d0d0;--line:#0072b2;--band:#0072b233;--good:#00664d;--warning:#8a5a00;--critical:#a33b00;--line-1:#b34700;--line-2:#00775a;--line-3:#a8437f;--line-4:#8a6500;--line-5:#1c1c1c}
@media (prefers-color-scheme:dark){:root{--ground:#16181b;--ink:#e8e8e8;--faint:#a8a8a8;--rule:#3c4046;--line:#56b4e9;--band:#56b4e933;--good:#3cc79f;--warning:#e69f00;--critical:#ff8a5c;--line-1:#ff8a5c;--line-2:#3cc79f;--line-3:#e29cc4;--line-4:#f0e442;--line-5:#e8e8e8}}
@media print{:root{--ground:#fff;--ink:#000;--faint:#444;--rule:#bbb;--line:#0072b2;--band:#0072b233;--good:#00664d;--warning:#8a5a00;--critical:#a33b00}section{break-inside:avoid}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.6rem;overflow-wrap:anywhere}h2{margin:2rem 0 .5rem;font-size:1.15rem;border-bottom:1px solid var(--rule)}h3{font-size:1rem}
header p,caption,figcaption{color:var(--faint)}
.wide{overflow-x:auto}
.wide:focus-visible{outline:2px solid var(--line)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
caption{text-align:left;padding:.25rem 0}
th,td{padding:.25rem .6rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule);font-variant-numeric:tabular-nums}
th[scope=row]{font-weight:400}
figure{margin:1rem 0}
svg{display:block;width:100%;height:auto}
svg text{font-size:10px;fill:var(--faint);paint-order:stroke;stroke:var(--ground);stroke-width:3px;stroke-linejoin:round}
@media (max-width:34rem){svg text{font-size:17px}svg .minor{display:none}}
.line{fill:none;stroke:var(--line);stroke-width:1.5}.line-dot{fill:var(--line)}.band{fill:var(--band)}.axis{fill:none;stroke:var(--rule)}
@media (max-width:34rem){.line{stroke-width:2.5}}
.look-1{stroke:var(--line-1)}.look-2{stroke:var(--line-2)}.look-3{stroke:var(--line-3)}.look-4{stroke:var(--line-4)}.look-5{stroke:var(--line-5)}
.state{white-space:nowrap;font-weight:600}.good{color:var(--good)}.warning{color:var(--warning)}.critical{color:var(--critical)}.unknown{color:var(--faint)}
code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
`;
