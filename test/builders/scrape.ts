import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { berth } from './berth-cli.ts';

/** What `/metrics` of the daemon of a state folder answers, over its unix socket. */
export async function scrape(state: string): Promise<string> {
  const { socket } = await berth(state, 'status');
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: String(socket), path: '/metrics' }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The first answer that matches; fails after half a minute with the last one. */
export async function scrapeUntil(state: string, pattern: RegExp): Promise<string> {
  const end = performance.now() + 30_000;
  for (;;) {
    const text = await scrape(state);
    if (pattern.test(text)) return text;
    assert.ok(performance.now() < end, `${pattern} in\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export const metricsFolder = (state: string): string => join(state, 'metrics');
