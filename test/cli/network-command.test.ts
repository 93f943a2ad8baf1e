import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkStatus } from '../../src/app/network-status.ts';
import type { BitsPerSecond } from '../../src/base/units.ts';
import { network } from '../../src/cli/commands/network.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { printResult } from '../../src/cli/printer.ts';
import { registry } from '../../src/cli/registry.ts';
import { defaultNetwork } from '../../src/model/network-config.ts';
import { unlimitedRequests } from '../gateway/proxy-rig.ts';
import { TestDaemon } from './test-daemon.ts';
import { testWorld } from './test-world.ts';

const bounded = { timeout: 20_000 };
const config = {
  ...defaultNetwork,
  egress: 50_000_000 as BitsPerSecond,
  services: [
    {
      ...unlimitedRequests,
      name: 'openai',
      hosts: ['api.openai.com'],
      robots: false,
      perMinute: 60,
    },
  ],
};

async function run(line: string, answer: object): Promise<string> {
  await using daemon = await TestDaemon.open();
  daemon.answers.set('/api/v1/network', {
    status: 200,
    type: 'application/json',
    body: JSON.stringify(answer),
  });
  const parsed = parseCommandLine(line.split(' '), registry);
  assert.ok(parsed.kind === 'command' && parsed.command.name === network.name);
  const world = testWorld({ ...parsed.flags, state: daemon.stateDir }, { width: 100 });
  const result = await parsed.command.run(parsed.operands, parsed.values, world);
  await printResult(world.terminal, result, world.settings.json.value);
  return world.out.text;
}

test(
  'network shows services, the link and its classes; what is unlimited is not a number',
  bounded,
  async () => {
    const out = await run('network', networkStatus(config, undefined, {}));
    assert.match(out, /There is no proxy.*The link: 50Mbps out, unlimited in\./);
    assert.match(out, /openai +\S +60 +\S +\S +0 +0 +0 +0/);
    assert.match(out, /high_priority +50 ?% /);
  },
);

test('network --tc prints a script and nothing else', bounded, async () => {
  const out = await run('network --tc eth0', networkStatus(config, undefined, { device: 'eth0' }));
  assert.match(out, /^#!\/bin\/sh\n/);
  assert.match(out, /DEV=eth0\n[\s\S]*rate 25000000bit ceil 50000000bit/);
});
