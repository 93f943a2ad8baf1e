import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BitsPerSecond, UNLIMITED } from '../../src/base/units.ts';
import { type NetworkSite, planNetwork } from '../../src/execution/network-plan.ts';
import {
  htbPlan,
  htbScript,
  LINKS_MAX,
  linkCommands,
  linkNamed,
  taskLink,
} from '../../src/execution/traffic-control.ts';
import type { ExecutionTerms } from '../../src/model/execution-terms.ts';
import { defaultClasses } from '../../src/model/network-config.ts';

const mbit = (n: number): BitsPerSecond => (n * 1_000_000) as BitsPerSecond;
const limited = { egress: mbit(5), ingress: mbit(10), proxied: true };
const alone = { namespaces: ['network'] } as const;

describe('how network terms are held', () => {
  const cases: Record<
    string,
    { execution: ExecutionTerms; site?: NetworkSite; want: Record<string, string>; link?: object }
  > = {
    'through the proxy, where nothing else is asked for': {
      execution: { network: { ...limited, requestsMax: 3, priority: 'high' } },
      want: {
        'network-egress': 'proxy',
        'network-ingress': 'proxy',
        'network-requests': 'proxy',
        'network-class': 'proxy',
        'network-rates': 'proxy',
      },
    },
    'by the kernel, in a namespace of its own': {
      execution: { network: limited, isolation: alone },
      want: { 'network-egress': 'kernel', 'network-ingress': 'kernel' },
      link: { egress: mbit(5), ingress: mbit(10) },
    },
    'a namespace without rates has a link, too': {
      execution: { network: { proxied: true, requestsMax: 1 }, isolation: alone },
      want: { 'network-requests': 'proxy' },
      link: { egress: UNLIMITED, ingress: UNLIMITED },
    },
    'not at all, where its namespace cannot be linked': {
      execution: { network: limited, isolation: alone },
      site: { unshaped: 'links and namespaces need root' },
      want: { 'network-egress': 'none', 'network-ingress': 'none' },
    },
    'not at all, without a proxy': {
      execution: { network: { ...limited, requestsMax: 3 } },
      site: { unproxied: 'the port is taken' },
      want: {
        'network-egress': 'none',
        'network-ingress': 'none',
        'network-requests': 'none',
        'network-rates': 'none',
      },
    },
    'not at all, where it is not led to the proxy': {
      execution: { network: { priority: 'low', proxied: false } },
      want: { 'network-class': 'none' },
    },
  };
  for (const [name, { execution, site = {}, want, link }] of Object.entries(cases)) {
    test(name, () => {
      const plan = planNetwork(execution, site)!;
      assert.deepEqual(Object.fromEntries(plan.terms.map(({ term, by }) => [term, by])), want);
      assert.deepEqual(plan.link, link);
      for (const { by, note } of plan.terms) {
        if (by !== 'none') assert.ok(note !== '');
        else assert.match(note, new RegExp(site.unproxied ?? site.unshaped ?? 'not proxied'));
      }
    });
  }

  test('a task that asks for nothing has no plan', () => {
    assert.equal(planNetwork({ isolation: alone }, {}), undefined);
    assert.equal(planNetwork(undefined, {}), undefined);
  });
});

describe('links', () => {
  const instance = '00ff3a0000000000';

  test('of all slots and ranges have names and addresses of their own, in one range for tests', () => {
    const seen = new Set<string>();
    for (const range of ['0000', '0001', '0007']) {
      for (const slot of [0, 1, 63, 64, LINKS_MAX - 1]) {
        const link = taskLink(`${range}000000000000`, slot, '1.a.0.1');
        assert.ok(link.device.length <= 15);
        const parts = link.hostAddress.split('.').map(Number);
        assert.ok(parts[0] === 198 && (parts[1] === 18 || parts[1] === 19));
        assert.equal(parts[3]! % 4, 1);
        for (const address of [link.hostAddress, link.taskAddress]) {
          assert.equal(seen.has(address), false);
          seen.add(address);
        }
      }
    }
  });

  test('are known by their names, and strangers are left alone', () => {
    const link = taskLink(instance, 100, '12.prepare.3.2');
    const found = linkNamed(instance, link.namespace);
    assert.deepEqual(found, { link, attempt: '12.prepare.3.2', slot: 100 });
    const strangers = [
      'berth-deadbeef-000-1.a.0.1',
      'berth-00ff3a00-',
      'berth-00ff3a00-zzz-x',
      'x',
    ];
    for (const name of strangers) assert.equal(linkNamed(instance, name), undefined, name);
  });

  test('have no queue in a direction without a limit', () => {
    const commands = linkCommands(taskLink(instance, 0, '1.a.0.1'), {
      egress: mbit(20),
      ingress: UNLIMITED as BitsPerSecond,
    });
    assert.deepEqual(commands.shapeHost, []);
    assert.deepEqual(commands.shapeInside, [
      'qdisc replace dev eth0 root tbf rate 20000000bit burst 65536 limit 315536',
    ]);
  });
});

describe('classes of traffic as HTB', () => {
  test('50, 30 and 20 % of the link are guaranteed, and all of it may be borrowed', () => {
    const { classes, rest } = htbPlan('eth1', mbit(1000), defaultClasses);
    assert.deepEqual(
      classes.map(({ id, rate, ceiling, priority }) => [id, rate, ceiling, priority]),
      [
        ['1:10', mbit(500), mbit(1000), 0],
        ['1:20', mbit(300), mbit(1000), 1],
        ['1:30', mbit(200), mbit(1000), 2],
      ],
    );
    assert.equal(rest, '1:20');
  });

  test('the script names what it makes, and how it is undone', () => {
    const script = htbScript(htbPlan('eth1', mbit(1000), defaultClasses));
    assert.match(script, /^#!\/bin\/sh\n.*tc qdisc del dev/);
    assert.match(script, /classid 1:10 htb rate 500000000bit ceil 1000000000bit prio 0/);
    assert.match(script, /match ip dsfield 0x88 0xfc flowid 1:10/);
  });
});
