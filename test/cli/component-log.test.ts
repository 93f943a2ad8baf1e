import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentLog } from '../../src/cli/component-log.ts';
import type { LogLine } from '../../src/cli/world.ts';
import { T0 } from './documents.ts';
import { testWorld } from './test-world.ts';

const page = { width: 80, colour: 'none', unicode: true } as const;
const line = (s: number): LogLine => ({
  at: new Date(T0 + s * 1_000).toISOString(),
  level: 'info',
  component: 'engine',
  message: `line ${s}`,
});

test('lines of a component, as far back as is asked for, however far that is', async () => {
  const lines = Array.from({ length: 120 }, (_, s) => line(s));
  const daemonLog = { open: async () => ({ lines, after: async function* () {} }) };
  const world = { ...testWorld({}), daemonLog };
  const shown = async (since?: number, tail?: number): Promise<number> => {
    const asked = { component: 'engine', follow: false, since, tail };
    return (await componentLog(asked, world)).view(page).length;
  };
  assert.equal(await shown(), 100);
  assert.equal(await shown(10_000), 10);
  // `--since unlimited`
  assert.equal(await shown(Number.MAX_SAFE_INTEGER), 120);
  assert.equal(await shown(Number.MAX_SAFE_INTEGER, 7), 7);
});
