import type { AlertDocument, AlertList } from '../../src/api/contract/telemetry-documents.ts';
import { counted, duration } from './format.ts';
import { quoted } from './shell-words.ts';

/** Fires, and people are told of it. */
export const isFiring = ({ state, muted_by }: AlertDocument): boolean =>
  state === 'firing' && muted_by === null;

const isMuted = ({ state, muted_by }: AlertDocument): boolean =>
  state === 'firing' && muted_by !== null;

/** What fires and is about to, in one sentence. */
export function alertsSentence({ alerts, rules }: AlertList): string {
  const firing = alerts.filter(isFiring).length;
  const muted = alerts.filter(isMuted).length;
  const pending = alerts.filter(({ state }) => state === 'pending').length;
  const watched =
    rules.length === 0 ? 'No rules are watched.' : `${counted(rules.length, 'rule')} watched.`;
  const parts = [
    firing > 0 && `${counted(firing, 'alert')} ${firing === 1 ? 'fires' : 'fire'}`,
    pending > 0 &&
      `${pending === 1 && firing === 0 ? '1 alert' : pending} ${pending === 1 ? 'is' : 'are'} about to`,
    muted > 0 && `${muted} ${muted === 1 ? 'is' : 'are'} kept quiet`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? `Nothing fires. ${watched}` : `${parts.join(', ')}.`;
}

/** When a condition that holds becomes an alert, if it goes on to hold. */
export function firesIn(
  { rule, since }: AlertDocument,
  { rules }: AlertList,
  now: number,
): string | undefined {
  const after = rules.find(({ name }) => name === rule)?.duration_ms;
  if (after === undefined) return undefined;
  const left = since + after - now;
  return left <= 0 ? 'fires with the next sample' : `fires in ${duration(left)} if it stays so`;
}

/** `cpu-high device=sda`, as a silence is written: the rule by its name, then labels. */
export const matchesText = ({ alert, ...labels }: Readonly<Record<string, string>>): string =>
  [alert ?? '', labelsText(labels)].filter((text) => text !== '').join(' ');

/** The same as arguments of a command, whatever the labels have in them. */
export const matchArguments = ({ alert, ...labels }: Readonly<Record<string, string>>): string =>
  [...(alert === undefined ? [] : [alert]), ...Object.entries(labels).map((one) => one.join('='))]
    .map(quoted)
    .join(' ');

/** `device=sda mount=/scratch`. */
export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
