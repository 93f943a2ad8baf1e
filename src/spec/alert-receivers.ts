import { spanMs } from '../base/units.ts';
import type { Receiver, ReceiverTarget, SecretText } from '../model/alert-rule.ts';
import { COMMAND_MS, type ReceiverBlock } from './alert-schema.ts';
import type { Path } from './issue.ts';
import { shown } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';

const REPEAT_MS = 4 * 3_600_000;
/** Alertmanager takes an alert of which it hears nothing for resolved. */
const HEARTBEAT_MS = 60_000;
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

export function receiverOf(reading: SiteReading, block: ReceiverBlock, path: Path): Receiver {
  const { name: called, type, repeat, severity = 'warning', only_named: onlyNamed = false } = block;
  const usual = type === 'alertmanager' ? HEARTBEAT_MS : REPEAT_MS;
  return {
    name: called,
    target: targetOf(reading, block, path),
    repeatMs: repeat ?? spanMs(usual),
    severity,
    onlyNamed,
  };
}

/** Keys that a kind of receiver takes, beside those of all. */
const ownKeys = {
  alertmanager: ['url', 'url_file', 'token_file'],
  webhook: ['url', 'url_file', 'token_file'],
  slack: ['url', 'url_file', 'token_file'],
  pagerduty: ['url', 'url_file', 'routing_key_file'],
  command: ['command', 'timeout'],
} as const;

function targetOf(reading: SiteReading, block: ReceiverBlock, path: Path): ReceiverTarget {
  const { type, command, timeout, token_file: tokenFile, routing_key_file: keyFile } = block;
  const foreign = [...new Set(Object.values(ownKeys).flat())].filter(
    (key) => !(ownKeys[type] as readonly string[]).includes(key) && block[key] !== undefined,
  );
  for (const key of foreign) {
    reading.error([...path, key], `a ${type} has no \`${key}\``, { at: 'key' });
  }
  if (type === 'command') {
    if (command === undefined) missing(reading, path, '`command`');
    return { kind: type, argv: command ?? [], timeoutMs: timeout ?? spanMs(COMMAND_MS) };
  }
  const url = urlOf(reading, block, path);
  if (type === 'pagerduty') {
    if (keyFile === undefined) missing(reading, path, '`routing_key_file`');
    return { kind: type, url, routingKey: { file: keyFile ?? '' } };
  }
  return { kind: type, url, ...(tokenFile !== undefined && { token: { file: tokenFile } }) };
}

const missing = (reading: SiteReading, path: Path, expected: string): void =>
  reading.error([...path, 'type'], 'it is not said how it is told', { expected });

function urlOf(reading: SiteReading, block: ReceiverBlock, path: Path): SecretText {
  const { type, url, url_file: file } = block;
  if (url !== undefined && file !== undefined) {
    reading.error([...path, 'url_file'], '`url` says where it is, too', { at: 'key' });
  }
  if (file !== undefined) return { file };
  if (url === undefined) {
    if (type !== 'pagerduty') missing(reading, path, '`url` or `url_file`');
    return { text: PAGERDUTY_URL };
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    const expected = 'an address that begins with http:// or https://';
    reading.error([...path, 'url'], `${shown(url)} is not asked`, { expected });
  } else if (type === 'slack') {
    const message = 'whoever reads this file can write to the channel: `url_file` keeps it secret';
    reading.warn([...path, 'url'], message);
  }
  return { text: url };
}
