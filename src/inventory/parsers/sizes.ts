const SUFFIX: Readonly<Record<string, number>> = {
  '': 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

/** Kernel sizes such as `32768K`, `1M` or `4096`, in bytes; undefined when it is none or too large to count. */
export function parseKernelSize(text: string): number | undefined {
  const match = /^(\d{1,16})\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const amount = Number(match[1]) * SUFFIX[match[2]!.toUpperCase()]!;
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/** PCI link rates such as `8.0 GT/s PCIe` or `2.5 GT/s`, in transfers per second per lane. */
export function parseTransferRate(text: string): number | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3})?) GT\/s/.exec(text.trim());
  return match === null ? undefined : Math.round(Number(match[1]) * 1e9);
}
