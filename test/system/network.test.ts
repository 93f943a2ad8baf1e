import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { type BitsPerSecond, UNLIMITED } from '../../src/base/units.ts';
import type { LocalDriver } from '../../src/execution/io/local/driver.ts';
import { networkedDriver } from '../../src/execution/io/local/networked-driver.ts';
import { TaskLinks } from '../../src/execution/io/local/task-links.ts';
import { htbPlan, htbScript, type TaskLink } from '../../src/execution/traffic-control.ts';
import type { ExecutionTerms } from '../../src/model/execution-terms.ts';
import { defaultClasses } from '../../src/model/network-config.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { attemptStart, id, Rig } from '../execution/rig.ts';
import { openRig } from '../gateway/proxy-rig.ts';

const options = { skip: skipSystem, timeout: 120_000 };
const mbit = (n: number): BitsPerSecond => (n * 1_000_000) as BitsPerSecond;
const instance = 'fade0123456789ab';
const SECONDS = 4;

/** What of the instance is on this machine. */
const left = (of: string): string[] => [
  ...readdirSync('/run/netns').filter((name) => name.startsWith(`berth-${of.slice(0, 8)}`)),
  ...readdirSync('/sys/class/net').filter((name) => name.startsWith(`berth-${of.slice(0, 6)}`)),
];

/** Sends (or receives) in the namespace over plain TCP, outside any proxy; bits per second on the host's end. */
async function measure(
  t: TestContext,
  { namespace, hostAddress }: TaskLink,
  direction: 'egress' | 'ingress',
): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  const result = Promise.withResolvers<number>();
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    if (direction === 'ingress') {
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
      return;
    }
    socket.on('data', count(result.resolve));
  });
  server.listen(0, hostAddress);
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const far = `const s=require('net').connect(${port},'${hostAddress}');
    ${
      direction === 'egress'
        ? `const b=Buffer.alloc(65536);const m=()=>{while(s.write(b));};s.on('drain',m);s.on('connect',m);`
        : `s.on('data',(d)=>process.stdout.write(d));`
    }
    s.on('error',()=>process.exit());s.on('close',()=>process.exit());`;
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', far], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  if (direction === 'ingress') child.stdout.on('data', count(result.resolve));
  try {
    return await result.promise;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}

function count(done: (bitsPerSecond: number) => void): (chunk: Buffer) => void {
  let start: number | undefined;
  let bytes = 0;
  return (chunk) => {
    const now = performance.now();
    start ??= now + 1000;
    if (now < start) return;
    bytes += chunk.length;
    if (now >= start + SECONDS * 1000) done((bytes * 8) / ((now - start) / 1000));
  };
}

function near(got: number, want: number): void {
  const told = `${(got / 1e6).toFixed(2)} Mbit/s of ${want / 1e6}`;
  assert.ok(Math.abs(got - want) <= want * 0.1, told);
}

describe('links of tasks', options, () => {
  for (const rate of [5, 50]) {
    test(`the kernel holds both directions to ${rate} Mbit/s, within 10 %`, async (t) => {
      const links = new TaskLinks(instance);
      const link = await links.make(id(0), { egress: mbit(rate), ingress: mbit(2 * rate) });
      try {
        const egress = await measure(t, link, 'egress');
        const ingress = await measure(t, link, 'ingress');
        t.diagnostic(
          `sent ${(egress / 1e6).toFixed(2)}, received ${(ingress / 1e6).toFixed(2)} Mbit/s`,
        );
        near(egress, mbit(rate));
        near(ingress, mbit(2 * rate));
      } finally {
        await links.remove(id(0));
      }
      assert.deepEqual(left(instance), []);
    });
  }

  test('what a daemon that was killed left is found: kept where it runs on, removed where not', async () => {
    const free = { egress: UNLIMITED as BitsPerSecond, ingress: UNLIMITED as BitsPerSecond };
    const before = new TaskLinks(instance);
    const [first, second] = [await before.make(id(1), free), await before.make(id(2), free)];
    assert.notEqual(first.hostAddress, second.hostAddress);
    // A namespace whose link was never made, and a link whose namespace is gone.
    execFileSync('ip', ['netns', 'add', 'berth-fade0123-05x-1.step.9.1']);
    execFileSync('ip', [
      'link',
      'add',
      'berth-fade0105z',
      'type',
      'veth',
      'peer',
      'name',
      'berth-x',
    ]);
    const after = new TaskLinks(instance);
    assert.deepEqual(await after.open((attempt) => attempt === id(2)), [second]);
    assert.deepEqual(left(instance), [second.namespace, second.device]);
    assert.deepEqual(await after.make(id(2), free), second);
    await after.remove(id(2));
    assert.deepEqual(left(instance), []);
  });

  test('this host lets us, and trying leaves nothing', async () => {
    assert.equal(await new TaskLinks(instance).unshaped(), undefined);
    assert.deepEqual(left(instance), []);
  });

  test('a task alone in its network has the proxy as its only way out', async (t) => {
    const user = { ingress: mbit(20), egress: mbit(20) };
    const users = { [id(0)]: user };
    const site = await openRig(t, (_, response) => response.end('the world'), { users });
    const rig = await new Rig(t, {}).open();
    const links = new TaskLinks(rig.instance());
    const driver = networkedDriver(rig.driver as LocalDriver, {
      proxy: site.proxy,
      links,
      warn: (message) => rig.warnings.push(message),
    });
    const execution: ExecutionTerms = {
      network: { ...user, proxied: true },
      isolation: { namespaces: ['network'] },
    };
    const { host } = new URL(site.origin);
    driver.start({
      ...attemptStart(id(0), {
        run: `unset NO_PROXY no_proxy
curl -sS --max-time 10 http://${host}/
curl -sS --max-time 10 --proxytunnel http://${host}/
curl -s --max-time 2 --noproxy '*' http://${host}/ || echo " unreachable"
ls /sys/class/net /proc/self/net/dev > /dev/null; cut -d: -f1 /proc/self/net/dev | tail -n +3 | tr -d ' \\n'`,
      }),
      execution,
    });
    const end = await rig.ended(0);
    assert.equal(end.cause, 'succeeded', `${end.message} ${rig.log(0, 'stderr')}`);
    assert.match(rig.log(0), /^the worldthe world unreachable\n/);
    assert.doesNotMatch(rig.log(0), /ifb|wlan|ens/);
    const link = links.linkOf(id(0));
    assert.ok(link !== undefined);
    driver.settle(id(0));
    // Removed after others of this host: ask for one more thing in turn.
    await links.remove(id(0));
    assert.deepEqual(left(rig.instance()), []);
    assert.deepEqual(rig.warnings, []);
  });

  test('the kernel takes the script of the classes as it is printed', () => {
    execFileSync('ip', [
      'link',
      'add',
      'berth-fade01tc',
      'type',
      'veth',
      'peer',
      'name',
      'berth-fade01td',
    ]);
    try {
      const script = htbScript(htbPlan('berth-fade01tc', mbit(100), defaultClasses));
      const ran = spawnSync('/bin/sh', { input: script, encoding: 'utf8' });
      assert.equal(ran.status, 0, ran.stderr);
      const shown = execFileSync('tc', ['class', 'show', 'dev', 'berth-fade01tc'], {
        encoding: 'utf8',
      });
      for (const want of [
        /1:10 parent 1:1 .*prio 0 rate 50Mbit ceil 100Mbit/,
        /1:20 parent 1:1 .*prio 1 rate 30Mbit ceil 100Mbit/,
        /1:30 parent 1:1 .*prio 2 rate 20Mbit ceil 100Mbit/,
      ]) {
        assert.match(shown, want);
      }
    } finally {
      execFileSync('ip', ['link', 'del', 'berth-fade01tc']);
    }
    assert.deepEqual(left(instance), []);
  });
});
