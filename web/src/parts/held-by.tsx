import type { AttemptDocument } from '../../../src/api/contract/documents.ts';

type Term = NonNullable<AttemptDocument['terms']>[number];

const holders: Readonly<Record<Term['by'], string>> = {
  kernel: 'the kernel',
  proxy: "Berth's proxy",
  accounting: 'accounting',
  none: 'nothing',
};

/** What the attempt was given beyond its limits: what holds each of it, or why nothing does. */
export function HeldBy({ attempt }: { readonly attempt: AttemptDocument }) {
  const { terms = [], ports = {}, ready } = attempt;
  const facts = [
    ...(ready === undefined ? [] : [['Ready', ready ? 'yes' : 'not yet']]),
    ...Object.entries(ports).map(([name, port]) => [`Port ${name}`, String(port)]),
  ];
  if (terms.length === 0 && facts.length === 0) return null;
  return (
    <section class="part" aria-label="Terms">
      <header class="section-head">
        <h2>Terms</h2>
        <code>{attempt.id}</code>
        {facts.map(([name, value]) => (
          <span key={name}>
            {name}: {value}
          </span>
        ))}
      </header>
      {terms.length > 0 && (
        <table class="fact-table" aria-label="Terms">
          <thead>
            <tr>
              <th scope="col">Term</th>
              <th scope="col">Held by</th>
              <th scope="col">How, or why not</th>
            </tr>
          </thead>
          <tbody>
            {terms.map(({ term, by, note }) => (
              <tr key={term}>
                <td>{term}</td>
                <td>{by === 'none' ? <strong>{holders[by]}</strong> : holders[by]}</td>
                <td title={note}>{note}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
