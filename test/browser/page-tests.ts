import { after, before, type TestContext } from 'node:test';
import type { Browser } from 'playwright-core';
import type { ScenarioSite } from '../api/scenario-site.ts';
import { buildPage, type Look, launch, type OpenPage, openPage, skipReason } from './open-page.ts';

interface PageTests {
  /** Options of a test: skipped where there is no browser. */
  readonly bounded: { readonly skip: string | false; readonly timeout: number };
  /** The page in a window of its own, on a server of its own. */
  openPage(t: TestContext, site: ScenarioSite, look?: Look): Promise<OpenPage>;
}

/** The tests of a file share one browser; the page is built before the first of them. */
export function pageTests(): PageTests {
  const skip = skipReason();
  let browser: Browser | undefined;
  before(async () => {
    if (skip !== false) return;
    buildPage();
    browser = await launch();
  });
  after(() => browser?.close());
  return {
    bounded: { skip, timeout: 60_000 },
    openPage: (t, site, look) => openPage(t, browser!, site, look),
  };
}
