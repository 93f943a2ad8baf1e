/** Runs inside the page: every visible text whose contrast with what is behind it is below 4.5. */
export function faintTexts(): string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const rgba = (colour: string): number[] => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]: number[]): number => {
    const linear = [r!, g!, b!].map((c) =>
      c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
  };
  const behind = (element: Element | null): number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba(getComputedStyle(document.body).backgroundColor);
  };
  const faint: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.textContent?.trim() ?? '';
    const element = node.parentElement!;
    if (text === '' || !element.checkVisibility() || element.closest('.gone, :disabled') !== null)
      continue;
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5)
      faint.push(`${contrast.toFixed(2)} ${element.className} “${text.slice(0, 40)}”`);
  }
  return [...new Set(faint)];
}

/** Runs inside the page: controls that a screen reader could not name. */
export function namelessControls(): string[] {
  const controls = document.querySelectorAll(
    'a, button, input, [role="img"], section, dialog, table, svg:not([aria-hidden])',
  );
  return [...controls].flatMap((element) => {
    const labelledBy = element.getAttribute('aria-labelledby');
    const name =
      element.getAttribute('aria-label') ??
      (labelledBy === null ? null : document.getElementById(labelledBy)?.textContent) ??
      (element.closest('label')?.textContent ||
        (element.matches('section, table, svg, input') ? null : element.textContent));
    const needed = !element.matches('.amounts');
    return needed && (name ?? '').trim() === '' ? [element.outerHTML.slice(0, 120)] : [];
  });
}
