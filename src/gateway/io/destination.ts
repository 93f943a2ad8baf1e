import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import { closeness } from '../host-pattern.ts';
import { ProxyRefusal } from '../proxy-user.ts';

/** This machine, its link (where clouds tell their secrets), and what is nobody. */
const near = new BlockList();
near.addSubnet('0.0.0.0', 8, 'ipv4');
near.addSubnet('127.0.0.0', 8, 'ipv4');
near.addSubnet('169.254.0.0', 16, 'ipv4');
near.addSubnet('224.0.0.0', 3, 'ipv4');
near.addAddress('::', 'ipv6');
near.addAddress('::1', 'ipv6');
near.addSubnet('fe80::', 10, 'ipv6');
near.addSubnet('ff00::', 8, 'ipv6');

function isNear(address: string): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (near.check(address, family)) return true;
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return own.some((one) => one.address === address);
}

/** Where tasks may go: `*` allows every host but this machine, which must be named. */
export class Destinations {
  readonly #allowed: readonly string[];

  constructor(allowed: readonly string[]) {
    this.#allowed = allowed;
  }

  /** `host`: in lower case. @throws ProxyRefusal host-not-allowed. */
  check(host: string): void {
    const isAllowed = this.#allowed.some((pattern) => closeness(pattern, host) > 0);
    if (!isAllowed || (isIP(host) !== 0 && isNear(host) && !this.#isNamed(host))) {
      throw new ProxyRefusal('host-not-allowed');
    }
  }

  /** Of names, the addresses are what counts: whoever answers for a name could answer with ours. */
  readonly lookup: LookupFunction = (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) {
        done(error, '', 0);
        return;
      }
      const open = this.#isNamed(host.toLowerCase())
        ? addresses
        : addresses.filter(({ address }) => !isNear(address));
      const [first] = open;
      if (first === undefined) done(new ProxyRefusal('host-not-allowed'), '', 0);
      else if (options.all === true) done(null, open);
      else done(null, first.address, first.family);
    });
  };

  #isNamed(host: string): boolean {
    return this.#allowed.some((pattern) => pattern !== '*' && closeness(pattern, host) > 0);
  }
}
