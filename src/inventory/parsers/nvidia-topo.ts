/**
 * How two devices reach each other, from near to far: a bonded set of NVLinks; one PCIe bridge;
 * several bridges; a host bridge; the interconnect inside a NUMA node; the one between nodes.
 */
export type DeviceLink =
  | { readonly kind: 'nvlink'; readonly links: number }
  | { readonly kind: 'pix' | 'pxb' | 'phb' | 'node' | 'sys' };

export interface GpuTopology {
  /** `GPU0`, `NIC3` or, from older drivers, `mlx5_0`, in the order of the matrix. */
  readonly devices: readonly TopologyDevice[];
  /** Each unordered pair once, the earlier device first. */
  readonly pairs: readonly {
    readonly a: string;
    readonly b: string;
    readonly link: DeviceLink;
  }[];
  readonly problems: readonly string[];
}

export interface TopologyDevice {
  readonly name: string;
  readonly kind: 'gpu' | 'nic';
  /** The RDMA device behind `NIC3`, from the legend. */
  readonly alias: string | undefined;
  /** A list such as `0-55,112-167`; undefined when it was not told. */
  readonly cpus: string | undefined;
  readonly numaNodes: string | undefined;
  /** Of a GPU whose memory is a NUMA node of its own (Grace, POWER9). */
  readonly gpuNumaNode: string | undefined;
}

const DEVICES_MAX = 512;

/** `nvidia-smi topo -m`, with tabs or blanks between its columns; undefined when no matrix is there. */
export function parseGpuTopology(text: string): GpuTopology | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the header is underlined by escapes.
  const lines = text.replace(/\u001b\[[\d;]*m/g, '').split(/\r?\n/, 10_000);
  const headerAt = lines.findIndex(
    (line) => /^\s*GPU\d+(\s|$)/.test(line) && !/\sX(\s|$)/.test(line),
  );
  if (headerAt < 0) return undefined;
  const names: string[] = [];
  for (const name of lines[headerAt]!.trim().split(/\s+/)) {
    if (name === 'CPU' || names.length === DEVICES_MAX) break;
    names.push(name);
  }
  const aliases = new Map<string, string>();
  const rows = new Map<string, readonly string[]>();
  for (const line of lines.slice(headerAt + 1)) {
    const cells = line.trim().split(/\s+/);
    const alias = /^\s*(NIC\d+): (\S{1,64})\s*$/.exec(line);
    if (alias !== null) aliases.set(alias[1]!, alias[2]!);
    else if (names.includes(cells[0]!) && !rows.has(cells[0]!)) rows.set(cells[0]!, cells.slice(1));
  }
  return {
    devices: names.map((name) => device(name, rows.get(name), names, aliases)),
    ...pairs(names, rows),
  };
}

function device(
  name: string,
  row: readonly string[] | undefined,
  names: readonly string[],
  aliases: ReadonlyMap<string, string>,
): TopologyDevice {
  const [cpus, numaNodes, gpuNumaNode] = row?.slice(names.length) ?? [];
  const list = (text: string | undefined) =>
    text !== undefined && /^\d{1,6}([-,]\d{1,6})*$/.test(text) ? text : undefined;
  return {
    name,
    kind: /^GPU\d+$/.test(name) ? 'gpu' : 'nic',
    alias: aliases.get(name),
    cpus: list(cpus),
    numaNodes: list(numaNodes),
    gpuNumaNode: list(gpuNumaNode),
  };
}

function pairs(
  names: readonly string[],
  rows: ReadonlyMap<string, readonly string[]>,
): Pick<GpuTopology, 'pairs' | 'problems'> {
  const found: { a: string; b: string; link: DeviceLink }[] = [];
  const problems: string[] = [];
  for (const [i, a] of names.entries()) {
    const row = rows.get(a);
    if (row === undefined) {
      problems.push(`the matrix has no row of ${a}`);
      continue;
    }
    for (const [j, b] of names.entries()) {
      if (i === j) continue;
      const link = linkOf(row[j]);
      const back = linkOf(rows.get(b)?.[i]);
      if (link === undefined) problems.push(`no link is told between ${a} and ${b}`);
      else if (i > j && back !== undefined) {
        if (!sameLink(link, back)) problems.push(`${a} and ${b} disagree on their link`);
      } else found.push(i < j ? { a, b, link } : { a: b, b: a, link });
    }
  }
  return { pairs: found, problems: problems.slice(0, 100) };
}

function linkOf(cell: string | undefined): DeviceLink | undefined {
  switch (cell) {
    case 'PIX':
      return { kind: 'pix' };
    case 'PXB':
      return { kind: 'pxb' };
    case 'PHB':
      return { kind: 'phb' };
    // SOC is what SYS was called before driver 384.
    case 'NODE':
      return { kind: 'node' };
    case 'SYS':
    case 'SOC':
      return { kind: 'sys' };
    default: {
      const nvlink = /^NV(\d{1,3})$/.exec(cell ?? '');
      return nvlink === null ? undefined : { kind: 'nvlink', links: Number(nvlink[1]) };
    }
  }
}

function sameLink(a: DeviceLink, b: DeviceLink): boolean {
  return a.kind === b.kind && (a.kind !== 'nvlink' || b.kind !== 'nvlink' || a.links === b.links);
}
