import type { InventoryDocument } from '../../../src/api/contract/inventory-documents.ts';
import { UNKNOWN } from '../format.ts';
import { gpuName } from '../topology-boxes.ts';

const words: Readonly<Record<string, string>> = {
  NV: 'NVLink',
  PIX: 'one PCIe switch',
  PXB: 'several PCIe switches',
  PHB: 'the host bridge',
  NODE: 'the host bridges of one NUMA node',
  SYS: 'the link between NUMA nodes',
};

/** How each pair of GPUs is joined, as the driver tells it. */
export function GpuLinks({ document }: { readonly document: InventoryDocument }) {
  const links = document.topology?.gpu_links ?? [];
  if (document.gpus.length < 2 || links.length === 0) return null;
  const between = new Map(
    links.flatMap(({ between: [a, b], kind, lanes }) => {
      const link = { kind, text: kind === 'NV' ? `NV${lanes}` : kind };
      return [
        [`${a} ${b}`, link],
        [`${b} ${a}`, link],
      ] as const;
    }),
  );
  const kinds = [...new Set(links.map(({ kind }) => kind))];
  return (
    <section class="part" aria-label="Links between GPUs">
      <header class="section-head">
        <h2>Links between GPUs</h2>
        <span class="muted">
          {kinds.map((kind) => `${kind} ${words[kind]}`).join(' · ')} (driver)
        </span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it */}
      <div class="scroll-x" tabIndex={0}>
        <table class="links" aria-label="Links between GPUs">
          <thead>
            <tr>
              <td />
              {document.gpus.map((gpu, i) => (
                <th key={gpu.pci_address} scope="col">
                  {gpuName(document, i)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {document.gpus.map((row, i) => (
              <tr key={row.pci_address}>
                <th scope="row">{gpuName(document, i)}</th>
                {document.gpus.map((column, j) => {
                  const link = between.get(`${row.pci_address} ${column.pci_address}`);
                  const text = i === j ? '' : (link?.text ?? UNKNOWN);
                  return (
                    <td key={column.pci_address} class={`link-${link?.kind ?? 'none'}`}>
                      {text}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
