import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readDocument } from '../cli/io/read-document.ts';
import type { Inventories } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';

/** Inventories of machines. The probes are loaded when they are needed. */
export function openInventories(cwd: string): Inventories {
  return {
    async take(sysroot) {
      const root = sysroot === undefined ? '/' : resolve(cwd, sysroot);
      if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
        throw new OperationError('FILE_UNREADABLE', `${root} is not a folder.`, { path: root });
      }
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
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
