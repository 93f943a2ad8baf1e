import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, reported } from '../builders/site-text.ts';

const site = (otlp: string): string => `monitoring:\n  otlp: ${otlp}\n`;

test('all of it, and what holds where less is said', () => {
  const otlpOf = (text: string) => {
    const parsed = parse(site(text));
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return parsed.site.otlp;
  };
  assert.deepEqual(otlpOf('{endpoint: "http://127.0.0.1:4318/"}'), {
    endpoint: 'http://127.0.0.1:4318',
    headers: {},
    intervalMs: 60_000,
    timeoutMs: 10_000,
    gzip: true,
    metrics: true,
    traces: true,
  });
  assert.deepEqual(
    otlpOf(
      '{endpoint: "https://c.example/otlp", headers: {x-scope-orgid: team}, headers_file: /etc/h, signals: [traces], interval: 15s, timeout: 500ms, compression: none}',
    ),
    {
      endpoint: 'https://c.example/otlp',
      headers: { 'x-scope-orgid': 'team' },
      headersFile: '/etc/h',
      intervalMs: 15_000,
      timeoutMs: 500,
      gzip: false,
      metrics: false,
      traces: true,
    },
  );
});

const wrong: Readonly<Record<string, readonly [text: string, want: RegExp]>> = {
  'no address': ['{interval: 1m}', /^2:3 error: monitoring\.otlp\.endpoint: .*missing/],
  'no http': [
    '{endpoint: "grpc://c:4317"}',
    /^2:20 error: monitoring\.otlp\.\S+ "grpc:\/\/c:4317" is not asked/,
  ],
  'a password in it': [
    '{endpoint: "http://u:p@c"}',
    /^2:20 error: monitoring\.otlp\.\S+ who it is must not stand/,
  ],
  'the path of a signal': [
    '{endpoint: "http://c/v1/traces"}',
    /^2:20 error: monitoring\.otlp\.\S+ the path of a signal/,
  ],
  'a query': ['{endpoint: "http://c?x=1"}', /^2:20 error: monitoring\.otlp\.\S+ a path is added/],
  'too often': [
    '{endpoint: "http://c", interval: 500ms}',
    /^2:42 error: monitoring\.otlp\.\S+ the interval is out of/,
  ],
  'too seldom': [
    '{endpoint: "http://c", interval: 2h}',
    /^2:42 error: monitoring\.otlp\.\S+ the interval is out of/,
  ],
  'no patience': [
    '{endpoint: "http://c", timeout: 10ms}',
    /^2:41 error: monitoring\.otlp\.\S+ the timeout is out of/,
  ],
  'another compression': [
    '{endpoint: "http://c", compression: zstd}',
    /^2:45 error: monitoring\.otlp\.\S+ "zstd"/,
  ],
  'another signal': [
    '{endpoint: "http://c", signals: [logs]}',
    /^2:42 error: monitoring\.otlp\.\S+ "logs"/,
  ],
  'no name of a header': [
    '{endpoint: "http://c", headers: {"a b": x}}',
    /^2:42 error: monitoring\.otlp\.\S+ .*a b/,
  ],
  'a header of ours': [
    '{endpoint: "http://c", headers: {Content-Type: x}}',
    /^2:42 error: monitoring\.otlp\.\S+ "Content-Type" is said/,
  ],
  'a secret that all can read': [
    '{endpoint: "http://c", headers: {Authorization: x}}',
    /^2:42 warning: monitoring\.otlp\.\S+ whoever reads this file/,
  ],
  'a file that is not absolute': [
    '{endpoint: "http://c", headers_file: h}',
    /^2:46 error: monitoring\.otlp\.\S+ .*/,
  ],
};
for (const [name, [text, want]] of Object.entries(wrong)) {
  test(`told with its place: ${name}`, () => {
    const found = reported(site(text));
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0]!, want);
  });
}
