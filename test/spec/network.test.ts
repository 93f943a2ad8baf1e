import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNLIMITED } from '../../src/base/units.ts';
import { defaultClasses, type NetworkConfig } from '../../src/model/network-config.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { parseSite } from '../../src/spec/site-document.ts';

function networkOf(text: string, step = 0) {
  const parsed = parseDocument(text, { fileName: 'a.yaml' });
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.issues));
  return parsed.spec.steps[step]!.execution?.network;
}

function problems(text: string): string[] {
  const parsed = parseDocument(text, { fileName: 'a.yaml' });
  const issues = parsed.ok ? parsed.warnings : parsed.issues;
  return issues.map(({ path, message }) => `${path}: ${message}`);
}

const siteNames = {
  orders: ['priority'],
  metrics: [],
  scorers: [],
  strategies: [],
  filters: [],
  timeZones: { has: () => true, names: ['UTC'] },
};
const parse = (text: string) => parseSite(text, { fileName: 'site.yaml', ...siteNames });

function site(text: string): NetworkConfig {
  const parsed = parse(text);
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.issues));
  assert.deepEqual(parsed.warnings, []);
  return parsed.site.network!;
}

function siteErrors(text: string): string[] {
  const parsed = parse(text);
  assert.ok(!parsed.ok);
  return parsed.issues.map(({ path, message }) => `${path}: ${message}`);
}

describe('the network of a task', () => {
  const cases: Record<string, { text: string; want: object | undefined }> = {
    'nothing said, nothing asked': { text: 'run: echo', want: undefined },
    'limits of each direction': {
      text: 'run: echo\nnetwork: {bandwidth: {ingress_limit: 100Mbps, egress_limit: 50Mbps}}',
      want: { ingress: 100_000_000, egress: 50_000_000, proxied: true },
    },
    'one rate for both, from the limits of the step': {
      text: 'run: echo\nresource_limits: {network: {max_requests: 50, bandwidth: 10Mbps}}',
      want: { ingress: 10_000_000, egress: 10_000_000, requestsMax: 50, proxied: true },
    },
    'what the step says counts before its limits': {
      text: 'run: echo\nnetwork: {bandwidth: 5Mbps}\nresource_limits: {network: {max_requests: 50, bandwidth: 10Mbps}}',
      want: { ingress: 5_000_000, egress: 5_000_000, requestsMax: 50, proxied: true },
    },
    'only its class, without the proxy': {
      text: 'run: echo\nnetwork: {priority: HIGH, proxied: false}',
      want: { priority: 'high', proxied: false },
    },
    'a guarantee and the name of its traffic': {
      text: 'run: echo\nnetwork: {bandwidth: {guarantee: 1Mbps}, traffic_type: model_training}',
      want: { guaranteed: 1_000_000, trafficType: 'model_training', proxied: true },
    },
  };
  for (const [name, { text, want }] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(networkOf(text), want));
  }

  test('a pipeline says it for its steps, key by key', () => {
    const text = `network: {bandwidth: {ingress_limit: 1Mbps}, priority: low}
defaults: {resource_limits: {network: {max_requests: 3}}}
steps:
  - {id: a, run: echo}
  - {id: b, run: echo, network: {priority: high}}
`;
    const ingress = 1_000_000;
    assert.deepEqual(networkOf(text), { ingress, priority: 'low', requestsMax: 3, proxied: true });
    const b = { ingress, priority: 'high', requestsMax: 3, proxied: true };
    assert.deepEqual(networkOf(text, 1), b);
  });

  test('limits of services belong to the site, and that is said', () => {
    const block = 'network: {rate_limiting: {global: {requests_per_second: 100}}}';
    const want = [
      'network,rate_limiting: belongs in the site document of the daemon; ignored here',
    ];
    assert.deepEqual(problems(`run: echo\n${block}`), want);
    assert.deepEqual(problems(`${block}\nsteps: [{id: a, run: echo}]`), want);
  });

  test('contradictions are errors', () => {
    assert.deepEqual(problems('run: echo\nnetwork: {bandwidth: 1Mbps, proxied: false}'), [
      'network,proxied: is false, and only the proxy holds what is asked for here',
    ]);
    assert.deepEqual(
      problems('run: echo\nnetwork: {bandwidth: {egress_limit: 1Mbps, guarantee: 2Mbps}}'),
      ['network,bandwidth,guarantee: is more than it is limited to'],
    );
    assert.deepEqual(problems('run: echo\nnetwork: {priority: high, traffic_type: x}'), [
      'network,priority: `traffic_type` is given, too, and both choose the class of traffic',
    ]);
  });
});

describe('the network of a site', () => {
  test('limits of all and of each service, and the link', () => {
    const network = site(`network:
  rate_limiting:
    global: {requests_per_second: 100, burst_size: 200}
    per_service:
      openai: {requests_per_minute: 60, concurrent_requests: 10}
      web_scraping: {requests_per_second: 5, respect_robots_txt: true}
      own: {hosts: ["*.Example.com"], burst_size: 3, requests_per_second: 1}
    max_wait: 5s
  bandwidth: {ingress_limit: 100Mbps, egress_limit: 50Mbps}
`);
    const none = { perSecond: UNLIMITED, perMinute: UNLIMITED, burst: UNLIMITED };
    assert.deepEqual(network, {
      global: { ...none, perSecond: 100, burst: 200, concurrent: UNLIMITED },
      services: [
        {
          ...none,
          name: 'openai',
          hosts: ['api.openai.com'],
          robots: false,
          perMinute: 60,
          concurrent: 10,
        },
        {
          ...none,
          name: 'web_scraping',
          hosts: ['*'],
          robots: true,
          perSecond: 5,
          concurrent: UNLIMITED,
        },
        {
          ...none,
          name: 'own',
          hosts: ['*.example.com'],
          robots: false,
          perSecond: 1,
          burst: 3,
          concurrent: UNLIMITED,
        },
      ],
      waiting: { max: 1000, maxMs: 5000 },
      egress: 50_000_000,
      ingress: 100_000_000,
      classes: defaultClasses,
      allowedHosts: ['*'],
    });
  });

  test('classes of traffic, in the order of their priority', () => {
    const { classes } = site(`network:
  traffic_classes:
    low_priority: {traffic_types: [data_backup], bandwidth_guarantee: 20%, max_latency_ms: 1000, queue_priority: 3}
    high_priority: {traffic_types: [model_inference], bandwidth_guarantee: "50%", max_latency_ms: 10, queue_priority: 1}
`);
    assert.deepEqual(classes, [
      { name: 'high_priority', traffic: ['model_inference'], share: 5000, latencyMs: 10 },
      { name: 'low_priority', traffic: ['data_backup'], share: 2000, latencyMs: 1000 },
    ]);
  });

  const errors: Record<string, { text: string; want: RegExp }> = {
    'a service that is nowhere': {
      text: 'rate_limiting: {per_service: {mine: {requests_per_second: 1}}}',
      want: /nothing is known of where "mine" is/,
    },
    'a host of two services': {
      text: 'rate_limiting: {per_service: {a: {hosts: [x.org]}, b: {hosts: [X.org]}}}',
      want: /x\.org is of the service a, too/,
    },
    'a burst without a rate': {
      text: 'rate_limiting: {global: {burst_size: 3}}',
      want: /a burst without a rate limits nothing/,
    },
    'more than the link': {
      text: 'traffic_classes: {a: {bandwidth_guarantee: 60%}, b: {bandwidth_guarantee: 60%}}',
      want: /the guarantees are 120 % together/,
    },
    'traffic in two classes': {
      text: 'traffic_classes: {a: {traffic_types: [x], bandwidth_guarantee: 10%}, b: {traffic_types: [x], bandwidth_guarantee: 10%}}',
      want: /x is in the class a, too/,
    },
    'a rate of nothing': {
      text: 'rate_limiting: {global: {requests_per_second: 0}}',
      want: /network,rate_limiting,global,requests_per_second/,
    },
    'a misspelt key': { text: 'rate_limits: {}', want: /unknown key/ },
    'no host': { text: 'allowed_hosts: ["http://x"]', want: /cannot be used here/ },
  };
  for (const [name, { text, want }] of Object.entries(errors)) {
    test(`${name} is an error`, () => {
      assert.match(siteErrors(`network:\n  ${text}`).join('\n'), want);
    });
  }
});
