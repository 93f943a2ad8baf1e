import type { NetworkQuery, NetworkStatus } from '../api/contract/network-documents.ts';
import { type BitsPerSecond, UNLIMITED } from '../base/units.ts';
import { htbPlan, htbScript } from '../execution/traffic-control.ts';
import type { EgressProxy } from '../gateway/io/egress-proxy.ts';
import { OperationError } from '../model/errors.ts';
import type { NetworkConfig, RequestLimits } from '../model/network-config.ts';

const known = (value: number): number | null => (value === UNLIMITED ? null : value);

const limitsOf = ({ perSecond, perMinute, burst, concurrent }: RequestLimits) => ({
  requests_per_second: known(perSecond),
  requests_per_minute: known(perMinute),
  burst: known(burst),
  concurrent: known(concurrent),
});

/** Of all requests together, then of each service. @throws OperationError USAGE: a device of no known rate. */
export function networkStatus(
  network: NetworkConfig,
  proxy: EgressProxy | undefined,
  asked: NetworkQuery,
): NetworkStatus {
  const counts = proxy?.counts();
  return {
    proxy_port: proxy?.port ?? null,
    egress_bits_per_second: known(network.egress),
    ingress_bits_per_second: known(network.ingress),
    allowed_hosts: [...network.allowedHosts],
    services: [undefined, ...network.services].map((service) => {
      const found = counts?.services.find((one) => one.service === (service?.name ?? null));
      const { passed = 0, waited = 0, refused = 0, waiting = 0 } = found ?? {};
      return {
        name: service?.name ?? null,
        hosts: [...(service?.hosts ?? [])],
        ...limitsOf(service ?? network.global),
        respect_robots_txt: service?.robots ?? false,
        ...{ passed, waited, refused, waiting },
      };
    }),
    classes: network.classes.map(({ name, traffic, share, latencyMs }, i) => ({
      name,
      traffic_types: [...traffic],
      share_basis_points: share,
      max_latency_ms: latencyMs,
      egress_bytes: counts?.egress[i]?.bytes ?? 0,
      ingress_bytes: counts?.ingress[i]?.bytes ?? 0,
      late: (counts?.egress[i]?.late ?? 0) + (counts?.ingress[i]?.late ?? 0),
    })),
    tc_script: scriptFor(network, asked),
  };
}

function scriptFor(network: NetworkConfig, { device, bitsPerSecond }: NetworkQuery): string | null {
  if (device === undefined) return null;
  const rate = (bitsPerSecond ?? network.egress) as BitsPerSecond;
  if (rate === UNLIMITED) {
    throw new OperationError(
      'USAGE',
      'Nothing is known of the rate of the device: say --rate, or network.bandwidth.egress_limit in the site file.',
    );
  }
  return htbScript(htbPlan(device, rate, network.classes));
}
