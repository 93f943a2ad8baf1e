import type { SiteSettings } from '../../spec/site-settings.ts';
import type { Setting, SettingsAsker, SettingsDocument } from '../contract/settings-documents.ts';

/** Words of a key whose value is a secret itself: files that hold one are named openly. */
const secretWords = ['token', 'secret', 'password', 'passwd', 'credential', 'authorization'];
const secretPairs = ['api_key', 'access_key', 'private_key', 'routing_key', 'integration_key'];

/** Where people are told: whoever knows the address may write there. */
const NOTIFY = /^monitoring\.notify(\[|$)/;
/** Of one tenant, or what names tenants: who sees his own only sees as much of them as of quotas. */
const TENANTS = /^(quotas|budgets|multi_tenancy)\b|(^|\.)(tenants|teams|team_shares|user_quotas)\b/;

/** The keys of a site document as settings, none of them with a secret. */
export function siteRows(
  { settings }: SiteSettings,
  siteFile: string | undefined,
): readonly Setting[] {
  return settings.map(({ key, written, line, initial, meaning }): Setting => {
    const value = written ?? initial ?? null;
    const shown = value === null || written === undefined ? value : withoutSecret(key, value);
    return {
      name: key,
      group: /^[^.[]*/.exec(key)![0],
      value: shown,
      default: initial ?? null,
      origin: written === undefined ? 'default' : 'site',
      source: written === undefined ? 'built in' : `${siteFile ?? 'the site document'}:${line}`,
      meaning,
      withheld: shown === value ? null : 'secret',
    };
  });
}

/** What of a value is no secret: null when nothing of it is. */
function withoutSecret(key: string, value: string): string | null {
  const last = key.split('.').at(-1)!;
  const words = last
    .replace(/\[\d+\]/g, '')
    .toLowerCase()
    .split('_');
  if (words.at(-1) !== 'file') {
    if (words.some((word) => secretWords.includes(word))) return null;
    if (secretPairs.includes(words.join('_'))) return null;
  }
  // Programs are given tokens as arguments.
  if (last === 'command') return value.replace(/,.*\]$/s, ', …]');
  return withoutCredentials(key, value);
}

/** An address keeps its host: user, path and query may let whoever knows them in. */
function withoutCredentials(key: string, value: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || !URL.canParse(value)) return value;
  const { protocol, host, username, password, pathname, search } = new URL(value);
  const isOpen = username === '' && password === '' && search === '';
  if (isOpen && (!NOTIFY.test(key) || pathname === '/')) return value;
  return `${protocol}//${host}/…`;
}

/** As whoever asks may see them: what he may not is one row, without a value, for all that it has. */
export function settingsFor(
  document: SettingsDocument,
  { isAdmin, sees }: SettingsAsker,
): SettingsDocument {
  if (isAdmin) return document;
  const parts = document.settings.map((row) => hiddenPart(row, sees));
  const said = new Set(parts.filter((_, i) => document.settings[i]!.origin === 'site'));
  const told = new Set<string>();
  const settings = document.settings.flatMap((row, i): readonly Setting[] => {
    const name = parts[i];
    // That nothing is set is no secret.
    if (name === undefined || !said.has(name)) return [row];
    if (told.has(name)) return [];
    told.add(name);
    return [{ ...row, ...nothing, name, origin: 'site', source: document.site_file ?? '' }];
  });
  return { ...document, settings };
}

const nothing = { value: null, default: null, meaning: '', withheld: 'admin' } as const;

/** The beginning of the name that tells nothing yet. */
function hiddenPart({ name, group }: Setting, sees: SettingsAsker['sees']): string | undefined {
  if (NOTIFY.test(name)) return 'monitoring.notify';
  if (group === 'daemon' || sees === 'all') return undefined;
  const found = TENANTS.exec(name);
  return found === null ? undefined : name.slice(0, found.index + found[0].length);
}
