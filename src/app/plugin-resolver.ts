import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The library that runs, from its source or built. */
const source = new URL('../index.ts', import.meta.url);
const library = existsSync(fileURLToPath(source))
  ? source
  : new URL('../index.js', import.meta.url);

/** Plug-ins import `berth` wherever they lie, and get the one that runs them. */
export function resolvePlugins(): Disposable {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'berth' ? { url: library.href, shortCircuit: true } : next(specifier, context),
  });
  return { [Symbol.dispose]: () => hooks.deregister() };
}
