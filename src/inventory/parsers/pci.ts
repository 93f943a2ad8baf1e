/** `0000:3b:00.0`; the domain has more than four digits behind some bridges (VMD). */
const ADDRESS = /^([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/;

export interface PciAddress {
  readonly domain: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

export function parsePciAddress(text: string): PciAddress | undefined {
  const found = ADDRESS.exec(text.toLowerCase());
  if (found === null) return undefined;
  const [domain, bus, device, fn] = found.slice(1).map((part) => Number.parseInt(part, 16));
  return { domain: domain!, bus: bus!, device: device!, function: fn! };
}

/** `0x8086` or `0x060400`; undefined when it is none. */
export function parseHex(text: string): number | undefined {
  return /^(0x)?[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

export interface BridgeBuses {
  readonly secondary: number;
  readonly subordinate: number;
}

/** The buses behind a PCI-to-PCI bridge (header type 1), as its configuration space says. */
export function bridgeBuses(config: Uint8Array, bus: number): BridgeBuses | undefined {
  if (config.length < 0x1b || (config[0x0e]! & 0x7f) !== 1) return undefined;
  return checkedBuses(config[0x19]!, config[0x1a]!, bus);
}

/** Undefined where firmware has not numbered the bridge: a bus must lie behind the one that it hangs on. */
export function checkedBuses(
  secondary: number,
  subordinate: number,
  bus: number,
): BridgeBuses | undefined {
  const numbered = secondary > bus && subordinate > bus && secondary <= subordinate;
  return numbered ? { secondary, subordinate } : undefined;
}

export interface PciLink {
  /** Transfers per second per lane. */
  readonly speed: number;
  readonly width: number;
}

/** Link status and link capability of the PCI Express capability, by the PCI Express base specification §7.5.3. */
export function expressLink(
  config: Uint8Array,
): { readonly current: PciLink | undefined; readonly max: PciLink | undefined } | undefined {
  if (config.length < 0x40 || (config[0x06]! & 0x10) === 0) return undefined;
  let at = config[0x34]! & 0xfc;
  // A capability takes four bytes at least, so a chain is no longer than this.
  for (let hops = 0; hops < 48 && at >= 0x40 && at + 2 <= config.length; hops++) {
    if (config[at] === EXPRESS_CAPABILITY) {
      if (at + 0x14 > config.length) return undefined;
      return { current: link(config, at + 0x12), max: link(config, at + 0x0c) };
    }
    at = config[at + 1]! & 0xfc;
  }
  return undefined;
}

const EXPRESS_CAPABILITY = 0x10;
const TRANSFERS = [0, 2.5e9, 5e9, 8e9, 16e9, 32e9, 64e9];

function link(config: Uint8Array, at: number): PciLink | undefined {
  const bits = config[at]! | (config[at + 1]! << 8);
  const speed = TRANSFERS[bits & 0xf];
  const width = (bits >> 4) & 0x3f;
  return speed === undefined || speed === 0 || width === 0 ? undefined : { speed, width };
}
