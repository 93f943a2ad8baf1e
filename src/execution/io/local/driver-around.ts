import type { LocalDriver } from './driver.ts';

/** The driver with some of its methods replaced: what else it can do, now and later, it does by itself. */
export function driverAround(driver: LocalDriver, own: Partial<LocalDriver>): LocalDriver {
  return new Proxy(driver, {
    get(target, key) {
      if (Object.hasOwn(own, key)) return Reflect.get(own, key);
      const found: unknown = Reflect.get(target, key, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}
