import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import { UNLIMITED } from '../../src/base/units.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { importManifests } from '../../src/spec/kubernetes/import-manifests.ts';
import { parseQuantity } from '../../src/spec/kubernetes/quantity.ts';
import { node, Site } from '../builders/site.ts';
import { parse, schedulingOf, written } from '../builders/site-text.ts';

const bounded = { timeout: 120_000 };

function importedFrom(...texts: string[]) {
  return importManifests(texts.map((text, i) => ({ fileName: `${'abc'[i]}.yaml`, text })));
}

/** The site, which must be one that the reader of sites takes. */
function siteOf(...texts: string[]) {
  const read = importedFrom(...texts);
  if (!read.ok) assert.fail(formatIssues(read.issues, '', '', new Map([['a.yaml', texts[0]!]])));
  const site = parse(read.text);
  if (!site.ok) assert.fail(formatIssues(site.issues, read.text, 'site.yaml'));
  return { ...read, site: parseYaml(read.text) };
}

/** `file:line:column message` of each. */
function toldOf(...texts: string[]): string[] {
  const read = importedFrom(...texts);
  return (read.ok ? read.warnings : read.issues).map(
    ({ file, line, column, message }) => `${file}:${line}:${column} ${message}`,
  );
}

const quota = (hard: string, more = ''): string => `
apiVersion: v1
kind: ResourceQuota
metadata: {name: q, namespace: team}
spec: {hard: {${hard}}${more}}
`;
const priorityClass = (name: string, value: number, more = ''): string => `---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: ${name}}
value: ${value}
${more}
`;
const sharing = (yaml: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: shares}
data:
  config.yaml: |
    fairSharing:
${yaml.replace(/^/gm, '      ')}
`;

/** A text of several documents, as `kubectl get -o json` prints it. */
const quoted = (...documents: string[]): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  c: ${JSON.stringify(documents.join('\n---\n'))}\n`;

const quantities: Record<string, readonly [perUnit: bigint, want: bigint | undefined]> = {
  '100': [1000n, 100_000n],
  '500m': [1000n, 500n],
  '0.1': [1000n, 100n],
  '1.': [1000n, 1000n],
  '.5': [1000n, 500n],
  '100u': [1000n, 1n],
  '1n': [1000n, 1n],
  '0n': [1000n, 0n],
  '+3': [1n, 3n],
  '1e3': [1n, 1000n],
  '1E3': [1n, 1000n],
  '1E': [1n, 10n ** 18n],
  '12e-1': [1n, 2n],
  '4Gi': [1n, 4n * 1024n ** 3n],
  '4G': [1n, 4_000_000_000n],
  '1.5Ki': [1n, 1536n],
  '2k': [1n, 2000n],
  '1500m': [1n, 2n],
  '4GB': [1n, undefined],
  '4gi': [1n, undefined],
  '2K': [1n, undefined],
  '-1': [1n, undefined],
  '': [1n, undefined],
  ' 1': [1n, undefined],
  '1 Gi': [1n, undefined],
  '1e9999': [1n, undefined],
  Infinity: [1n, undefined],
};
for (const [text, [perUnit, want]] of Object.entries(quantities)) {
  test(`the quantity ${JSON.stringify(text)} is ${want ?? 'none'}`, () => {
    assert.equal(parseQuantity(text, perUnit), want);
  });
}

describe('quotas', () => {
  const cases: Record<string, readonly [texts: readonly string[], want: object | undefined]> = {
    'a namespace alone is a queue': [
      ['apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n'],
      {},
    ],
    'bare and prefixed names are the same': [
      [quota('cpu: 4, memory: 8Gi, amd.com/gpu: 2')],
      { limit: { cpu: 4, memory: '8Gi', gpu: 2 } },
    ],
    'the stricter of two quotas holds': [
      [
        quota('requests.cpu: 10, pods: 5'),
        quota('cpu: 6500m, pods: 9').replace('name: q', 'name: r'),
      ],
      { limit: { cpu: 6.5 }, max_active: 5 },
    ],
    'what is enforced bounds what is asked for': [
      [quota('limits.cpu: 3, limits.memory: 1G')],
      { limit: { cpu: 3, memory: '1GB' } },
    ],
    'the stricter of requests and limits, in either order': [
      [quota('limits.cpu: 3, requests.cpu: 5')],
      { limit: { cpu: 3 } },
    ],
    'GPUs of two makes are one number': [
      [quota('requests.nvidia.com/gpu: 8, limits.nvidia.com/gpu: 6, requests.amd.com/gpu: 4')],
      { limit: { gpu: 10 } },
    ],
    'numbers of YAML are read as it reads them': [
      [quota('requests.cpu: 1e3, requests.memory: 0x10, pods: 2e1')],
      { limit: { cpu: 1000, memory: 16 }, max_active: 20 },
    ],
    'pods are tasks, and jobs are workloads': [
      [quota('pods: 7, count/pods: 9, count/jobs.batch: 3')],
      { max_active: 7, concurrent_pipelines: 3 },
    ],
    'nothing may be allowed': [[quota('requests.nvidia.com/gpu: 0')], { limit: { gpu: 0 } }],
    'a list as kubectl prints it': [
      [
        `apiVersion: v1\nkind: List\nitems:\n${quota('pods: 7').trim().replace(/^/gm, '  ').replace('  ', '- ')}\n`,
      ],
      { max_active: 7 },
    ],
    'documents of nothing are passed over': [
      [`---\n---\n# only said\n---${quota('pods: 7')}---\n---\n`],
      { max_active: 7 },
    ],
    'JSON is YAML': [
      [
        '{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "team"}, "spec": {"hard": {"pods": "7"}}}',
      ],
      { max_active: 7 },
    ],
    'a quota of some pods is not one of the queue': [
      [quota('pods: 7', ', scopes: [BestEffort]')],
      {},
    ],
    'more than Berth counts is no limit': [[quota('pods: 1e12, cpu: 2e6, memory: 20E')], {}],
  };
  for (const [sentence, [texts, want]] of Object.entries(cases)) {
    test(sentence, () => {
      const { site } = siteOf(...texts);
      assert.deepEqual(site.queues.team, want);
      assert.deepEqual(site.queues.default, {});
    });
  }

  test('without a namespace it is that of `default`, which is told', () => {
    const text = quota('pods: 7').replace(', namespace: team', '');
    assert.deepEqual(siteOf(text).site.queues, { default: { max_active: 7 } });
    assert.deepEqual(toldOf(text), ['a.yaml:4:1 no namespace is named: taken for one of default']);
  });
});

describe('what is not carried over is told with its place', () => {
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n';
  const cases: Record<string, readonly [texts: readonly string[], want: readonly string[]]> = {
    'entries of quotas that limit something else': [
      [
        quota(
          'persistentvolumeclaims: 1, gold.storageclass.storage.k8s.io/requests.storage: 1Gi, count/secrets: 1, requests.nvidia.com/mig-1g.5gb: 2, hugepages-2Mi: 1Gi, requests.ephemeral-storage: 1Gi, bananas: 1',
        ),
      ],
      [
        'queues are not limited in storage',
        'queues are not limited in storage',
        'Berth has no such objects',
        'queues are limited in GPUs, not in instances or copies of them',
        'queues are not limited in huge pages',
        'queues are not limited in scratch space',
        'queues are limited in CPU, memory, GPUs, tasks and workloads',
      ],
    ],
    scopes: [
      [quota('pods: 7', ', scopeSelector: {matchExpressions: [{scopeName: PriorityClass}]}')],
      ['a.yaml:5:25 a quota of some pods only is not carried over: a queue is limited as a whole'],
    ],
    'GPUs of two makes': [
      [quota('requests.nvidia.com/gpu: 8, requests.amd.com/gpu: 4')],
      ['a.yaml:5:8 GPUs of several makes are limited by their sum'],
    ],
    'unknown kinds, once each': [
      [
        `${namespace}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n`,
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: y}\n---\napiVersion: other/v1\nkind: Namespace\nmetadata: {name: z}\n',
      ],
      [
        'a.yaml:6:7 "Deployment" is not carried over (2 of them; this is the first)',
        'b.yaml:6:7 "Namespace" is not carried over',
      ],
    ],
    'labels and annotations but those of tools': [
      [
        'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team\n  uid: x\n  labels: {kubernetes.io/metadata.name: team, tier: gold}\n  annotations: {scheduler.alpha.kubernetes.io/node-selector: a=b, kubectl.kubernetes.io/x: y}\n',
      ],
      ['a.yaml:6:3 "tier": not carried over, Berth reads no labels'],
    ],
    'other ConfigMaps': [
      [`${namespace}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: "{"}\n`],
      ['a.yaml:6:7 a ConfigMap without `fairSharing` is not carried over'],
    ],
    'a namespace that cannot be a queue': [
      [`${namespace}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: root}\n`],
      ['a.yaml:7:12 "root" is not carried over: no queue can have this name'],
    ],
    'unknown keys': [
      [namespace.replace('}', ', colour: red}').concat('spec: {paint: 1}\nextra: 2\n')],
      [
        'a.yaml:3:24 not carried over',
        'a.yaml:4:8 not carried over',
        'a.yaml:5:1 not carried over',
      ],
    ],
    'a class of the name of a class of service': [
      [`${namespace}${priorityClass('Best_Effort', 5)}`],
      ['a.yaml:7:18 "Best_Effort" is not carried over: no class can have this name'],
    ],
    'a class that stops nobody': [
      [priorityClass('calm', 5, 'preemptionPolicy: Never')],
      ['a.yaml:6:1 not carried over: whether tasks are stopped for others is said of a site'],
    ],
    'a class that takes the place of another, with a namespace or without': [
      [
        priorityClass('a', 5),
        `${priorityClass('a', 6).replace('name: a', 'name: a, namespace: x')}${priorityClass('a', 7)}`,
      ],
      [
        'b.yaml:4:18 takes the place of the PriorityClass "a" of a.yaml:3',
        'b.yaml:10:18 takes the place of the PriorityClass "a" of b.yaml:3',
      ],
    ],
    'shares that are switched off': [
      [namespace, sharing('enabled: false\nusers: {ana: {weight: 3}}')],
      ['b.yaml:8:7 the shares are switched off, and not carried over'],
    ],
    'keys of shares': [
      [sharing('users: {ana: {weight: 3, colour: red}}\nmood: good')],
      ['a.yaml:8:32 not carried over', 'a.yaml:9:7 not carried over'],
    ],
    'a weight of nothing, and an unknown priority': [
      [sharing('users: {ana: {weight: 0}}\nqueues: {a: {priority: urgent}}')],
      [
        'a.yaml:8:21 a weight of 0 is not carried over: in Berth everybody has a part, here of 1',
        'a.yaml:9:20 "urgent" is not carried over: no known priority',
      ],
    ],
    'queues that the shares do not name': [
      [namespace, sharing('queues: {a: {weight: 3}}')],
      ['b.yaml:8:7 no weight is here for team: 1 beside these'],
    ],
  };
  for (const [sentence, [texts, want]] of Object.entries(cases)) {
    test(sentence, () => {
      siteOf(...texts);
      const told = toldOf(...texts);
      assert.equal(told.length, want.length, told.join('\n'));
      for (const [i, end] of want.entries()) assert.ok(told[i]!.endsWith(end), told[i]);
    });
  }
});

describe('priority classes', () => {
  const prioritiesOf = (...classes: string[]) => {
    const { classes: found } = siteOf(classes.join('')).site.scheduling;
    return Object.fromEntries(
      Object.entries(found).map(([name, one]) => [name, (one as { priority: number }).priority]),
    );
  };

  test('values that fit are kept', () => {
    assert.deepEqual(
      prioritiesOf(priorityClass('a', 1000), priorityClass('b', -7), priorityClass('c', 0)),
      { a: 1000, b: -7, c: 0 },
    );
  });

  test('values that do not are mapped in their order, and equal ones to the same', () => {
    assert.deepEqual(
      prioritiesOf(
        priorityClass('system-node-critical', 2_000_001_000),
        priorityClass('high', 1_000_000_000),
        priorityClass('same', 1_000_000_000),
        priorityClass('some', 1),
        priorityClass('none', 0),
        priorityClass('low', -2_000_000_000),
      ),
      { 'system-node-critical': 999, high: 666, same: 666, some: 333, none: 0, low: -1000 },
    );
  });

  test('whoever names none has that of the global default, which is 0', () => {
    assert.deepEqual(
      prioritiesOf(
        priorityClass('high', 900),
        priorityClass('usual', 100, 'globalDefault: true'),
        priorityClass('low', 0),
      ),
      { high: 800, usual: 0, low: -100 },
    );
  });

  test('order and equality are kept for any values, 0 for those without a class included', () => {
    const value = fc.oneof(
      fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
      fc.integer({ min: -3, max: 3 }),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), (values) => {
        const found = prioritiesOf(...values.map((one, i) => priorityClass(`c${i}`, one)));
        const pairs = [...values.map((one, i) => [one, found[`c${i}`]!] as const), [0, 0] as const];
        for (const [a, mappedA] of pairs) {
          assert.ok(Math.abs(mappedA) <= 1000);
          for (const [b, mappedB] of pairs) {
            assert.equal(Math.sign(a - b), Math.sign(mappedA - mappedB));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('of several of one name the last counts, as a whole, whatever namespaces they name', () => {
    const usual = priorityClass('a', 9, 'globalDefault: true');
    const last = priorityClass('a', 7, 'preemptionPolicy: Never');
    for (const namespace of ['', ', namespace: x', ', namespace: null']) {
      const { site, classes } = siteOf(usual, last.replace('name: a', `name: a${namespace}`));
      assert.deepEqual(classes, ['a']);
      assert.deepEqual(site.scheduling, { classes: { a: { priority: 7, preemptible: true } } });
    }
  });

  test('more classes than a site has are refused', () => {
    const many = Array.from({ length: 101 }, (_, i) => priorityClass(`c${i}`, 10_000 + i));
    assert.deepEqual(toldOf(many.join('')), ['a.yaml:1:1 there are 101 PriorityClasses']);
    assert.equal(Object.keys(prioritiesOf(...many.slice(1))).length, 100);
  });

  test('those of higher priority stop others of their queue, and nothing is reclaimed', () => {
    const text = `${quota('pods: 7')}${priorityClass('high', 10)}`;
    const { site } = siteOf(text);
    assert.equal(site.scheduling.preemption, true);
    assert.deepEqual(site.queues, {
      default: { reclaim: 'disabled' },
      team: { reclaim: 'disabled', max_active: 7 },
    });
    const calm = siteOf(priorityClass('calm', 10, 'preemptionPolicy: Never')).site;
    assert.equal(calm.scheduling.preemption, undefined);
  });
});

describe('fair shares', () => {
  test('weights too far apart are rounded, and told', () => {
    const text = sharing('queues: {a: {weight: 1000000}, b: {weight: 0.00001}, c: {weight: 5e5}}');
    const { site, warnings } = siteOf(text);
    assert.deepEqual(site.queues, {
      default: {},
      a: { weight: 10_000 },
      b: { weight: 1 },
      c: { weight: 5000 },
    });
    assert.ok(warnings.some(({ message }) => message.includes('rounded')));
  });

  test('fractions stay as they are', () => {
    const { site } = siteOf(sharing('queues: {a: {weight: "0.6"}, default: {weight: 4e-1}}'));
    assert.deepEqual(site.queues, { a: { weight: 0.6 }, default: { weight: 0.4 } });
  });

  test('priorities alone order the queues', () => {
    const text = sharing(
      'queues: {low: {priority: low}, top: {priority: high}, own: {priority: 7}}',
    );
    const site = new Site(schedulingOf(siteOf(text).text), node('n', { cpu: 2_000 }));
    for (const queue of ['own', 'low', 'top']) site.submit({ queue });
    assert.deepEqual(site.placedBy('queue'), ['top', 'low']);
  });

  test('a queue of the name of a namespace is that namespace', () => {
    const { site } = siteOf(quota('pods: 7'), sharing('queues: {team: {weight: 3}}'));
    assert.deepEqual(site.queues, { default: {}, team: { weight: 3, max_active: 7 } });
  });

  test('they may stand behind other documents of their text', () => {
    const text = quoted('other: 1', 'fairSharing: {users: {a: {weight: 3}}}');
    assert.deepEqual(siteOf(text).site.multi_tenancy, { users: { a: { weight: 3 } } });
  });

  test('what is within a quoted or folded text is told at the text', () => {
    const text = quoted('fairSharing:\n  users:\n    ana: {weight: much}\n');
    assert.deepEqual(toldOf(text), ['a.yaml:5:6 "much" is not a weight']);
  });
});

describe('what is wrong is told with its place, and nothing is written', () => {
  const cases: Record<string, readonly [texts: readonly string[], want: readonly string[]]> = {
    'no objects': [
      ['a: 1\n'],
      [
        'a.yaml:1:1 the key `apiVersion` is missing',
        'a.yaml:1:1 the key `kind` is missing',
        'a.yaml:1:1 the key `metadata` is missing',
      ],
    ],
    text: [['hello\n'], ['a.yaml:1:1 "hello" cannot be used here']],
    'no amount': [[quota('pods: many')], ['a.yaml:5:21 "many" is no amount in Kubernetes']],
    'below 0': [[quota('cpu: -1')], ['a.yaml:5:20 "-1" is no amount in Kubernetes']],
    'a list of amounts': [[quota('cpu: [1]')], ['a.yaml:5:20 a list cannot be used here']],
    'a class without a value': [
      [priorityClass('a', 1).replace('value: 1', '')],
      ['a.yaml:2:1 the key `value` is missing'],
    ],
    'a value beyond 32 bits': [
      [priorityClass('a', 3e9)],
      ['a.yaml:5:8 3000000000 is out of range'],
    ],
    'the same object twice': [
      [quota('pods: 1'), quota('pods: 2')],
      ['b.yaml:4:18 a.yaml:3 has the ResourceQuota "q", too'],
    ],
    'two shares': [
      [
        sharing('users: {a: {weight: 1}}'),
        sharing('users: {b: {weight: 1}}').replace('shares', 'x'),
      ],
      ['b.yaml:7:5 a.yaml:7 has shares, too'],
    ],
    'two shares in one text': [
      [quoted('fairSharing: {}', 'a: 1', 'fairSharing: {}')],
      ['a.yaml:5:6 a.yaml:5 has shares, too'],
    ],
    'shares that are no YAML': [[sharing('users: {a: {weight: 1}')], ['a.yaml']],
    'nothing to carry over': [
      ['apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n'],
      ['a.yaml:1:1 nothing here that'],
    ],
    'broken YAML behind a good document': [[`${quota('pods: 1')}---\n{`], ['a.yaml:7:']],
    'an alias that contains itself': [
      ['a: &a [*a]\n'],
      ['a.yaml:1:8 the alias "a" contains itself'],
    ],
  };
  for (const [sentence, [texts, want]] of Object.entries(cases)) {
    test(sentence, () => {
      const read = importedFrom(...texts);
      assert.ok(!read.ok);
      const told = toldOf(...texts);
      assert.ok(told.length > 0);
      for (const [i, start] of want.entries()) {
        assert.ok(told[i]!.startsWith(start.replace(' that', '')), `${told[i]} - ${start}`);
      }
    });
  }

  test('many small bombs of aliases are as bounded as one', bounded, () => {
    const bomb = `a: &a [${'1,'.repeat(60)}]\nb: &b [${'*a,'.repeat(60)}]\nc: [${'*b,'.repeat(60)}]\n`;
    const started = process.hrtime.bigint();
    const read = importedFrom(Array.from({ length: 60 }, () => bomb).join('---\n'));
    assert.ok(!read.ok);
    assert.ok(read.issues.some(({ message }) => message.includes('too many values')));
    assert.ok(process.hrtime.bigint() - started < 60_000_000_000n);
  });
});

/** Words that have a meaning in YAML, or are hostile in it. */
const nasty = fc.constantFrom(
  'on',
  'null',
  '123',
  '1e3',
  'true',
  'a.b',
  'root',
  'default',
  'configuration',
  'a: b',
  '# x',
  "it's",
  '"',
  '\u0000',
  '\u2028',
  '\ufffd',
  '\ud800',
  'constructor',
  '<<',
  '- a',
  'x'.repeat(300),
);
const word = fc.oneof(nasty, fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/));
const amountText = fc.oneof(
  fc.stringMatching(/^\d{1,12}(\.\d{1,4})?(m|u|n|k|M|G|Gi|Ti|e2)?$/),
  fc.nat(),
  word,
);
const hard = fc.dictionary(
  fc.oneof(
    fc.constantFrom(
      'cpu',
      'requests.cpu',
      'limits.cpu',
      'memory',
      'limits.memory',
      'requests.nvidia.com/gpu',
      'amd.com/gpu',
      'pods',
      'count/pods',
      'count/jobs.batch',
      'services',
    ),
    word,
  ),
  amountText,
  { maxKeys: 5 },
);
const weighted = fc.dictionary(
  word,
  fc.record(
    {
      weight: fc.oneof(fc.nat(2_000_000), fc.double({ min: 0.000_001, max: 1e9 }), word),
      priority: fc.oneof(word, fc.constantFrom('high', 'low'), fc.nat()),
      maxRunningJobs: fc.oneof(fc.nat(), word),
    },
    { requiredKeys: [] },
  ),
  { maxKeys: 5 },
);
const metadata = fc.record(
  { name: word, namespace: word, labels: fc.dictionary(word, word, { maxKeys: 2 }) },
  { requiredKeys: ['name'] },
);
const manifest = fc.oneof(
  fc.record({ apiVersion: fc.constant('v1'), kind: fc.constant('Namespace'), metadata }),
  fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constant('ResourceQuota'),
    metadata,
    spec: fc.record({ hard }),
  }),
  fc.record({
    apiVersion: fc.constant('scheduling.k8s.io/v1'),
    kind: fc.constant('PriorityClass'),
    metadata,
    value: fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
    globalDefault: fc.boolean(),
    preemptionPolicy: fc.constantFrom('Never', 'PreemptLowerPriority'),
  }),
  fc.record({ users: weighted, queues: weighted }, { requiredKeys: [] }).map((fairSharing) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'shares' },
    data: { 'config.yaml': JSON.stringify({ fairSharing }) },
  })),
  fc.record({ apiVersion: word, kind: word, metadata }),
);

test('whatever is imported, the reader of sites takes, whatever names there are', bounded, () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(manifest, { maxLength: 6 }), fc.string(), (objects, fileName) => {
      const text = objects.map((one) => JSON.stringify(one)).join('\n---\n');
      const read = importManifests([{ fileName, text }]);
      if (!read.ok) {
        assert.ok(read.issues.length > 0);
        return;
      }
      taken++;
      const site = parse(read.text);
      if (!site.ok) assert.fail(formatIssues(site.issues, read.text, 'site.yaml'));
      for (const issue of [...read.warnings]) assert.equal(issue.file, fileName);
    }),
    { numRuns: 400 },
  );
  assert.ok(taken > 40, `${taken} of 400 were imported`);
});

const hostileNames = [
  'on',
  'null',
  '123',
  '1e3',
  '~',
  'a: b',
  '# x',
  "it's",
  '"',
  '\\',
  '<<',
  '- a',
  '*a',
  '&a',
  '!a',
  '%',
  '{',
  'x #y',
  ' x ',
  'a\u2028b',
  '\u{1f600}',
  'constructor',
];
test('users keep their names, whatever those mean in YAML', () => {
  const users = Object.fromEntries(hostileNames.map((name) => [name, { weight: 2 }]));
  const text = JSON.stringify({ fairSharing: { users } });
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { c: text } };
  const { site, users: found } = siteOf(JSON.stringify(map));
  assert.deepEqual(found.toSorted(), hostileNames.toSorted());
  assert.deepEqual(Object.keys(site.multi_tenancy.users).toSorted(), hostileNames.toSorted());
});

test('a long name of a file is cut, and never within a character', () => {
  const map = sharing('users: {a: {weight: 1}}');
  for (let length = 130; length < 165; length++) {
    const fileName = `${'x'.repeat(length)}${'\u{1f600}'.repeat(9)}`;
    const read = importManifests([{ fileName, text: map }]);
    assert.ok(read.ok && read.text.isWellFormed(), `${length}`);
    assert.ok(!/\ufffd/.test(read.text), `${length}`);
  }
});

test('texts cut off or changed anywhere are read or refused, and never throw', bounded, () => {
  const whole = `${quota('pods: 1')}${priorityClass('a', 1)}---${sharing('users: {a: {weight: 1}}')}`;
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(20), fc.string({ maxLength: 4 }), (at, cut, put) => {
      const read = importedFrom(`${whole.slice(0, at)}${put}${whole.slice(at + cut)}`);
      if (read.ok) written(read.text);
      else assert.ok(read.issues.length > 0);
    }),
    { numRuns: 500 },
  );
});

test('a quota limits what is held, and no more', () => {
  const { queues } = schedulingOf(siteOf(quota('cpu: 2')).text).root.children.reduce(
    (all, queue) => ({ queues: { ...all.queues, [queue.name]: queue.limit } }),
    { queues: {} as Record<string, { cpu: number; memory: number }> },
  );
  assert.deepEqual([queues['team']!.cpu, queues['team']!.memory], [2000, UNLIMITED]);
});
