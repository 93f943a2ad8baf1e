import { mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readDocument } from '../cli/io/read-document.ts';
import type { Inventories } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';

/** Inventories of machines. The probes are loaded when they are needed. */
export function openInventories(cwd: string, stateDir: string): Inventories {
  const kept = () => import('../inventory/io/benchmarks/baseline-store.ts');
  return {
    async take(sysroot) {
      const root = sysroot === undefined ? '/' : folder(cwd, sysroot);
      const { openHostReader } = await import('../inventory/io/host-reader.ts');
      const { registry } = await import('../inventory/registry.ts');
      const { takeInventory } = await import('../inventory/take-inventory.ts');
      return takeInventory(openHostReader({ sysroot: root }), registry);
    },
    async read(file) {
      const { text, fileName } = await readDocument(file, cwd);
      const { inventorySchema } = await import('../inventory/inventory-schema.ts');
      const parsed = inventorySchema.safeParse(jsonOf(text));
      if (parsed.success) return parsed.data;
      const why = parsed.error.issues[0];
      const detail = why === undefined ? '' : ` (${why.path.join('.') || 'top'}: ${why.message})`;
      throw new OperationError('SPEC_INVALID', `${fileName} is no inventory${detail}.`);
    },
    async baselines() {
      return (await kept()).readBaselines(stateDir);
    },
    async measure({ scratch, signal, progress }) {
      const { baselineDefaults, takeBaseline } = await import(
        '../inventory/io/benchmarks/take-baseline.ts'
      );
      if (scratch === undefined) makeStateFolder(stateDir);
      const at = scratch === undefined ? stateDir : folder(cwd, scratch);
      const baseline = await takeBaseline({ ...baselineDefaults, folder: at, signal, progress });
      if (!signal.aborted) (await kept()).keepBaseline(stateDir, baseline);
      return baseline;
    },
  };
}

function folder(cwd: string, name: string): string {
  const path = resolve(cwd, name);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new OperationError('FILE_UNREADABLE', `${path} is not a folder.`, { path });
}

function makeStateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OperationError('STATE_UNWRITABLE', `${path} cannot be made.`, { path }, error);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
