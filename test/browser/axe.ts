import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

/** Why axe cannot be run here, or false. */
export function axeSkipReason(): string | false {
  return sourceFile() === undefined ? 'axe-core is not installed: run npm install' : false;
}

/**
 * What axe-core calls serious or critical on what is shown, one line each; nothing where it is not installed.
 * Its text is evaluated by the browser's own protocol, for the policy of the page allows no script but ours.
 */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  const file = sourceFile();
  if (file === undefined) return [];
  const isThere = await page.evaluate(() => 'axe' in globalThis);
  if (!isThere) await page.evaluate(readFileSync(file, 'utf8'));
  return page.evaluate(runAxe);
}

function sourceFile(): string | undefined {
  try {
    const file = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));
    return existsSync(file) ? file : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
      return undefined;
    throw error;
  }
}

interface Axe {
  run(options: object): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string | null;
      readonly help: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }[];
  }>;
}

/** Runs inside the page. */
async function runAxe(): Promise<string[]> {
  const { axe } = globalThis as unknown as { readonly axe: Axe };
  const { violations } = await axe.run({ resultTypes: ['violations'] });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.slice(0, 4).map(({ html, failureSummary }) => {
        const why = failureSummary.replaceAll(/\s+/g, ' ');
        return `${id}: ${help}: ${html.slice(0, 160)} (${why.slice(0, 200)})`;
      }),
    );
}
