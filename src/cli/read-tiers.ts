import { OperationError } from '../model/errors.ts';
import type { TierConfig } from '../model/tiers.ts';
import type { World } from './world.ts';

/** The document of `--tiers`. */
export async function readTierConfig(file: string | undefined, world: World): Promise<TierConfig> {
  if (file === undefined) {
    throw new OperationError('USAGE', 'Say with --tiers which folders there are.', {
      hint: 'docs/guides/tiers.md has a document of them.',
    });
  }
  const { text, fileName } = await world.documents.read(file);
  const { parseTiers } = await import('../spec/tier-document.ts');
  const parsed = parseTiers(text);
  if (parsed.ok) return parsed.config;
  const { formatIssues } = await import('../spec/format-issues.ts');
  const report = formatIssues(parsed.issues, text, fileName);
  throw new OperationError('SPEC_INVALID', `${fileName} is not valid:\n\n${report}`, {
    issues: parsed.issues,
    hint: 'docs/guides/tiers.md has a document of tiers. Nothing was moved.',
  });
}
