import { z } from 'zod';
import { type BasisPoints, type SpanMs, UNLIMITED } from '../base/units.ts';
import {
  defaultNetwork,
  type NetworkConfig,
  type RequestLimits,
  type ServiceConfig,
  type TrafficClass,
} from '../model/network-config.ts';
import { quantity, text, wholeNumber } from './fields.ts';
import type { Path } from './issue.ts';
import { bitRate, trafficName } from './network-fields.ts';
import { parsePercent, parseSpan } from './quantities.ts';
import { spanForm } from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';

const COUNT_MAX = 1_000_000;
const SERVICES_MAX = 256;
const CLASSES_MAX = 16;

const rate = (description: string) => wholeNumber(1, COUNT_MAX, { description });

const hostPattern = z
  .string()
  .max(253)
  .regex(/^(\*|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[?[0-9A-Fa-f:.]+\]?)$/, {
    error: 'a host name such as api.example.com, *.example.com for all below it, or *',
  });

const limitsShape = {
  requests_per_second: rate('Requests in one second.').optional(),
  requests_per_minute: rate('Requests in one minute.').optional(),
  burst_size: rate(
    'How many may come at once after a pause. What the rate allows in one second, when not given.',
  ).optional(),
  concurrent_requests: rate('Requests, and tunnels for HTTPS, that are open at once.').optional(),
};

const globalSchema = z.strictObject(limitsShape);

const serviceSchema = z.strictObject({
  ...limitsShape,
  hosts: z
    .array(hostPattern)
    .min(1)
    .max(64)
    .meta({
      description:
        'Where it is: names, *.NAME for all below one, or *. Known of openai, anthropic and huggingface; `web_scraping` is every other host.',
    })
    .optional(),
  respect_robots_txt: z
    .boolean()
    .meta({
      description: 'Plain HTTP only: the path of an HTTPS request cannot be seen in its tunnel.',
      default: false,
    })
    .optional(),
});

const classSchema = z.strictObject({
  traffic_types: z
    .array(trafficName)
    .max(64)
    .meta({ description: 'What tasks may call their traffic to be in this class.' })
    .optional(),
  bandwidth_guarantee: quantity(parsePercent, {
    description: 'Its part of the link while the other classes want it, too.',
    form: 'percentage such as 50%',
    positive: true,
    finite: true,
  }),
  max_latency_ms: wholeNumber(1, 3_600_000, {
    description: 'What a piece should wait for the link at most; counted where it does not hold.',
    default: 1000,
  }).optional(),
  queue_priority: wholeNumber(1, 1000, {
    description: '1 goes first. In the order in which they are written, when not given.',
  }).optional(),
});

export const networkSiteSchema = z
  .strictObject({
    rate_limiting: z
      .strictObject({
        global: globalSchema
          .meta({ description: 'Of all requests of all tasks together.' })
          .optional(),
        per_service: z
          .record(
            text({ description: 'The name of a service.', max: 64, filled: true, oneLine: true }),
            serviceSchema,
          )
          .meta({ description: 'Limits of each service, by its name.' })
          .optional(),
        max_waiting: wholeNumber(0, 100_000, {
          description: 'Requests over a limit that wait, of each service; more are refused (429).',
          default: defaultNetwork.waiting.max,
        }).optional(),
        max_wait: quantity(parseSpan, {
          description: 'So long; then they are refused (503).',
          form: spanForm,
          finite: true,
          default: '30s',
        }).optional(),
      })
      .meta({ description: 'Requests through the proxy.' })
      .optional(),
    bandwidth: z
      .strictObject({
        egress_limit: bitRate('What all tasks send together.').optional(),
        ingress_limit: bitRate('What all tasks receive together.').optional(),
      })
      .meta({ description: 'The link that tasks share through the proxy.' })
      .optional(),
    traffic_classes: z
      .record(trafficName, classSchema)
      .meta({
        description: 'Classes that share the link, by name. 50 %, 30 % and 20 %, when not given.',
      })
      .optional(),
    allowed_hosts: z
      .array(hostPattern)
      .max(1000)
      .meta({
        description:
          'Where tasks may go through the proxy. `*` is every host but this machine and its link, which must be named.',
        default: '*',
      })
      .optional(),
  })
  .meta({ description: 'The network that tasks share: limits of services, and the link.' });

const knownHosts: Readonly<Record<string, readonly string[]>> = {
  openai: ['api.openai.com'],
  anthropic: ['api.anthropic.com'],
  huggingface: ['huggingface.co', '*.huggingface.co', '*.hf.co'],
  web_scraping: ['*'],
};

export function readNetwork(
  reading: SiteReading,
  block: Partial<z.output<typeof networkSiteSchema>> | undefined,
): NetworkConfig | undefined {
  if (block === undefined) return undefined;
  const { rate_limiting: requests, bandwidth } = block;
  const path = ['network', 'rate_limiting'];
  return {
    global: limitsOf(reading, requests?.global ?? {}, [...path, 'global']),
    services: servicesOf(reading, [...path, 'per_service']),
    waiting: {
      max: requests?.max_waiting ?? defaultNetwork.waiting.max,
      maxMs: requests?.max_wait ?? defaultNetwork.waiting.maxMs,
    },
    egress: bandwidth?.egress_limit ?? defaultNetwork.egress,
    ingress: bandwidth?.ingress_limit ?? defaultNetwork.ingress,
    classes: classesOf(reading, ['network', 'traffic_classes']),
    allowedHosts: lowered(block.allowed_hosts ?? defaultNetwork.allowedHosts),
  };
}

const lowered = (hosts: readonly string[]): string[] =>
  hosts.map((host) => host.toLowerCase().replace(/^\[(.*)\]$/, '$1'));

function limitsOf(
  reading: SiteReading,
  block: Partial<z.output<typeof globalSchema>>,
  path: Path,
): RequestLimits {
  const { requests_per_second: perSecond, requests_per_minute: perMinute } = block;
  if (block.burst_size !== undefined && perSecond === undefined && perMinute === undefined) {
    const message = 'a burst without a rate limits nothing';
    reading.error([...path, 'burst_size'], message, { expected: 'requests_per_second beside it' });
  }
  return {
    perSecond: perSecond ?? UNLIMITED,
    perMinute: perMinute ?? UNLIMITED,
    burst: block.burst_size ?? UNLIMITED,
    concurrent: block.concurrent_requests ?? UNLIMITED,
  };
}

function servicesOf(reading: SiteReading, path: Path): ServiceConfig[] {
  const names = reading.keys(path);
  if (names.length > SERVICES_MAX) {
    reading.error(path, `${names.length} services`, { expected: `at most ${SERVICES_MAX}` });
  }
  const byHost = new Map<string, string>();
  return names.slice(0, SERVICES_MAX).map((name) => {
    const at = [...path, name];
    const block = reading.readPart(serviceSchema, at) ?? {};
    const hosts = block.hosts ?? (Object.hasOwn(knownHosts, name) ? knownHosts[name] : undefined);
    if (hosts === undefined && reading.value(at) !== undefined) {
      const message = `nothing is known of where ${JSON.stringify(name)} is`;
      reading.error(at, message, { expected: 'its `hosts`', at: 'key' });
    }
    for (const host of lowered(hosts ?? [])) {
      const other = byHost.get(host);
      if (other !== undefined) {
        reading.error([...at, 'hosts'], `${host} is of the service ${other}, too`);
      }
      byHost.set(host, name);
    }
    return {
      name,
      hosts: lowered(hosts ?? []),
      robots: block.respect_robots_txt ?? false,
      ...limitsOf(reading, block, at),
    };
  });
}

function classesOf(reading: SiteReading, path: Path): readonly TrafficClass[] {
  const names = reading.keys(path);
  if (names.length === 0) return defaultNetwork.classes;
  if (names.length > CLASSES_MAX) {
    reading.error(path, `${names.length} classes`, { expected: `at most ${CLASSES_MAX}` });
  }
  const byTraffic = new Map<string, string>();
  const classes = names.slice(0, CLASSES_MAX).map((name, i) => {
    const at = [...path, name];
    const block = reading.readPart(classSchema, at) ?? {};
    for (const traffic of block.traffic_types ?? []) {
      const other = byTraffic.get(traffic);
      if (other !== undefined) {
        reading.error([...at, 'traffic_types'], `${traffic} is in the class ${other}, too`);
      }
      byTraffic.set(traffic, name);
    }
    return {
      priority: block.queue_priority ?? i + 1,
      name,
      traffic: block.traffic_types ?? [],
      share: block.bandwidth_guarantee ?? (0 as BasisPoints),
      latencyMs: (block.max_latency_ms ?? 1000) as SpanMs,
    };
  });
  const whole = classes.reduce((sum, { share }) => sum + share, 0);
  if (whole > 10_000) {
    const message = `the guarantees are ${whole / 100} % together`;
    reading.error(path, message, { expected: 'at most 100 %', at: 'key' });
  }
  return classes
    .toSorted((a, b) => a.priority - b.priority)
    .map(({ priority: _, ...rest }) => rest);
}
