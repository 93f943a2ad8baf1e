import assert from 'node:assert/strict';
import { axeFindings } from './axe.ts';
import { faintTexts, namelessControls } from './contrast.ts';
import type { OpenPage } from './open-page.ts';

export const looks = {
  light: {},
  dark: { dark: true },
  phone: { phone: true },
  'phone-dark': { phone: true, dark: true },
} as const;

/** Readable, named, within the screen, and without a complaint, of axe neither. */
export async function lookOver({ page, complaints }: OpenPage, where = 'the page'): Promise<void> {
  assert.deepEqual(await page.evaluate(faintTexts), [], `contrast of ${where}`);
  assert.deepEqual(await page.evaluate(namelessControls), [], `names on ${where}`);
  // A phone widens its window to what is on the page: only the screen itself tells.
  const screen = page.viewportSize()!.width;
  const scroll = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(scroll <= screen, `${where} is ${scroll} px wide on a screen of ${screen}`);
  assert.deepEqual(await axeFindings(page), [], `axe on ${where}`);
  assert.deepEqual(complaints, []);
}
