import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { MoneySite } from '../../src/api/contract/money-documents.ts';
import type { SettingsSite } from '../../src/api/contract/settings-documents.ts';
import type { TokenSite } from '../../src/api/contract/token-documents.ts';
import type { WhatIfSite } from '../../src/api/contract/what-if-documents.ts';
import { type OpenSite, openSite, TOKEN } from '../api/open-site.ts';
import type { ScenarioSite } from '../api/scenario-site.ts';
import { noMoney } from '../builders/no-money.ts';
import { noSettings } from '../builders/no-settings.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { noWhatIf } from '../builders/no-what-if.ts';
import { lackTelemetry, quiet, serveTelemetry, type Telemetry } from './telemetry.ts';

const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const root = new URL('../..', import.meta.url).pathname;
/** Where `buildPage` puts it. */
export const builtPage = `${root}test-output/web`;
const screenshots = `${root}test-output/screenshots`;

/** Why browser tests cannot run here, or false. */
export function skipReason(): string | false {
  if (!['browser', 'all'].includes(process.env['BERTH_SUITE'] ?? ''))
    return 'needs BERTH_SUITE=browser';
  return existsSync(chromiumPath) ? false : `no Chromium at ${chromiumPath}; set CHROMIUM`;
}

/** The page as it is in the sources, apart from what a daemon serves. */
export function buildPage(): void {
  const args = ['build', 'web', '--outDir', builtPage, '--emptyOutDir', '--logLevel', 'warn'];
  const done = spawnSync(`${root}node_modules/.bin/vite`, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (done.status !== 0) throw new Error(`vite build failed:\n${done.stdout}${done.stderr}`);
  mkdirSync(screenshots, { recursive: true });
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface OpenPage extends OpenSite {
  readonly page: Page;
  /** What the page complained of: script errors, refused resources, breaches of the policy. */
  readonly complaints: string[];
  go(hash: string): Promise<void>;
  /** Waits until the text is on the page. */
  see(text: string | RegExp): Promise<void>;
  shot(name: string): Promise<void>;
}

export interface Look {
  readonly money?: MoneySite;
  readonly settings?: SettingsSite;
  readonly tokens?: TokenSite;
  readonly whatIf?: WhatIfSite;
  readonly width?: number;
  readonly height?: number;
  readonly phone?: boolean;
  readonly dark?: boolean;
  readonly hash?: string;
  readonly token?: string | null;
  /** Nothing measured unless said; `lacking` of a daemon that has no such routes. */
  readonly telemetry?: Telemetry | 'lacking';
}

/** A browser window on a server of its own. */
export async function openPage(
  t: TestContext,
  browser: Browser,
  site: ScenarioSite,
  {
    width = 1280,
    height = 900,
    phone = false,
    dark = false,
    hash = '#/',
    token = TOKEN,
    money = noMoney.money,
    settings = noSettings.settings,
    tokens = noTokens.tokens,
    whatIf = noWhatIf.whatIf,
    telemetry = quiet(site.now),
  }: Look = {},
): Promise<OpenPage> {
  const opened = await openSite(t, site, { webDir: builtPage, money, settings, tokens, whatIf });
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width, height },
    isMobile: phone,
    hasTouch: phone,
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  t.after(() => context.close());
  if (telemetry === 'lacking') await lackTelemetry(context);
  else await serveTelemetry(context, telemetry);
  context.setDefaultTimeout(8_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  if (token !== null) await page.goto(`${opened.server.url}/login?token=${token}`);
  await page.goto(`${opened.server.url}/${hash}`);
  return {
    ...opened,
    page,
    complaints,
    go: async (to) => {
      await page.evaluate((h) => {
        location.hash = h;
      }, to);
    },
    see: async (text) => {
      await page.getByText(text).first().waitFor();
    },
    shot: async (name) => {
      await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
    },
  };
}
