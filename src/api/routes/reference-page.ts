import { openApiDocument } from './openapi.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly parameters?: readonly unknown[];
  readonly requestBody?: unknown;
  readonly responses?: Readonly<Record<string, unknown>>;
}

/** The OpenAPI document as one page for people: no script, nothing from elsewhere. */
export function referencePage(): string {
  const { info, paths = {}, components } = openApiDocument();
  const sections = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) =>
      section(method, path, operation as Operation),
    ),
  );
  const schemas = Object.entries(components?.schemas ?? {}).map(
    ([name, schema]) => `<h3 id="${escaped(name)}">${escaped(name)}</h3>${json(schema)}`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Berth API ${escaped(info.version)}</title>
<link rel="stylesheet" href="/docs/style.css">
<main>
<h1>Berth API ${escaped(info.version)}</h1>
<p>${escaped(info.description ?? '')} The same as a document: <a href="/openapi.json">openapi.json</a>.</p>
<h2>Operations</h2>
${sections.join('\n')}
<h2>Documents</h2>
${schemas.join('\n')}
</main>
</html>
`;
}

function section(method: string, path: string, operation: Operation): string {
  const answers = Object.entries(operation.responses ?? {}).map(([status, response]) => {
    const { description, content } = response as { description?: string; content?: object };
    return `<tr><td>${status}<td>${escaped(description ?? '')}<td>${schemaLinks(content)}`;
  });
  const parameters = (operation.parameters ?? []).map((parameter) => {
    const { name, in: place, description, schema } = parameter as Record<string, unknown>;
    return `<tr><td><code>${escaped(String(name))}</code><td>${escaped(String(place))}<td>${escaped(String(description ?? ''))} ${json(schema)}`;
  });
  return `<section id="${escaped(operation.operationId ?? '')}">
<h3><code>${method.toUpperCase()} ${escaped(path)}</code></h3>
<p>${escaped(operation.summary ?? '')}.</p>
${parameters.length > 0 ? `<table>${parameters.join('')}</table>` : ''}
<table>${answers.join('')}</table>
</section>`;
}

function schemaLinks(content: object | undefined): string {
  const names = [...JSON.stringify(content ?? {}).matchAll(/#\/components\/schemas\/(\w+)/g)];
  return [...new Set(names.map(([, name]) => name!))]
    .map((name) => `<a href="#${name}">${name}</a>`)
    .join(' ');
}

const json = (value: unknown): string =>
  `<pre>${escaped(JSON.stringify(value, undefined, 1))}</pre>`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};
const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => entities[c]!);

export const referenceStyle = `:root{color-scheme:light dark}
body{font:14px/1.5 system-ui,sans-serif;margin:0}
main{max-width:60rem;margin:0 auto;padding:24px 16px}
h2{margin-top:40px}h3{margin:24px 0 4px}
code,pre{font:12px/1.5 ui-monospace,monospace}
pre{margin:4px 0;overflow-x:auto;white-space:pre-wrap}
table{border-collapse:collapse;width:100%}
td{border-top:1px solid #8884;padding:4px 12px 4px 0;vertical-align:top}
`;
