import { openApiDocument } from './openapi.ts';
import { boundsInWords, type Schema, typeInWords } from './schema-words.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Described {
  readonly info: { readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The OpenAPI document as one page for people: no script, nothing from elsewhere. */
export function referencePage(): string {
  // Our own document, whose shape the test of it checks; the library's type allows much more.
  const { info, paths, components }: Described = JSON.parse(JSON.stringify(openApiDocument()));
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(method, path, operation)),
  );
  const documents = Object.entries(components.schemas).map(
    ([name, schema]) => `<h3 id="${escaped(name)}">${escaped(name)}</h3>${fields(schema)}`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Berth API ${escaped(info.version)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
<main>
<h1>Berth API ${escaped(info.version)}</h1>
<p>${escaped(info.description)} The same for machines: <a href="/openapi.json">openapi.json</a>. Back to the <a href="/">page</a>.</p>
<h2>Operations</h2>
${operations.join('\n')}
<h2>Documents</h2>
${documents.join('\n')}
</main>
</html>
`;
}

function section(method: string, path: string, operation: Operation): string {
  const { operationId, summary, parameters = [], requestBody, responses } = operation;
  const asked = parameters.map(({ name, in: place, description = '', schema }) =>
    row(
      `<code>${escaped(name)}</code> <small>${place}</small>`,
      typeLink(schema),
      said(description, schema),
    ),
  );
  if (requestBody !== undefined) {
    asked.push(
      row(
        '<small>body</small>',
        '<code>text</code>',
        escaped(Object.keys(requestBody.content).join(', ')),
      ),
    );
  }
  const answered = Object.entries(responses).map(([status, { description, content = {} }]) => {
    const types = Object.entries(content).map(([type, { schema = {} }]) =>
      schema.$ref === undefined ? `<small>${escaped(type)}</small>` : typeLink(schema),
    );
    return row(`<code>${status}</code>`, types.join('<br>'), escaped(description));
  });
  return `<section id="${escaped(operationId)}">
<h3><code>${method.toUpperCase()} ${escaped(path)}</code></h3>
<p>${escaped(summary)}.</p>
<table>${asked.join('')}</table>
<table>${answered.join('')}</table>
</section>`;
}

function fields(schema: Schema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, of]) =>
    row(`<code>${escaped(name)}</code>`, typeLink(of), said('', of)),
  );
  return `<table>${rows.join('')}</table>`;
}

const row = (...cells: readonly string[]): string => `<tr><td>${cells.join('<td>')}`;

function said(description: string, schema: Schema): string {
  const parts = [
    description === '' ? (schema.description ?? '') : description,
    boundsInWords(schema),
  ];
  return escaped(parts.filter((part) => part !== '').join('; ')).replace(
    /`([^`]+)`/g,
    '<code>$1</code>',
  );
}

/** Names of documents lead to them. */
const typeLink = (schema: Schema): string =>
  `<code>${escaped(typeInWords(schema)).replace(/\b[A-Z]\w+/g, '<a href="#$&">$&</a>')}</code>`;

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
h2{margin-top:48px}h3{margin:32px 0 4px}p{margin:4px 0 8px}
code{font:12px/1.5 ui-monospace,monospace}h3 code{font-size:14px}
small{color:light-dark(#5a6067,#9aa3aa)}
a{color:light-dark(#0067a3,#6cbcf0)}
table{border-collapse:collapse;width:100%;table-layout:fixed;margin-bottom:8px}
td{border-top:1px solid #8884;padding:4px 12px 4px 0;vertical-align:top;overflow-wrap:anywhere}
td:first-child{width:24%}td:nth-child(2){width:36%}
`;
