import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { InventoryChanges } from '../api/contract/inventory-documents.ts';
import { inventoryChangesSchema } from '../api/contract/inventory-documents.ts';
import { type InventoryDocument, inventorySchema } from '../inventory/inventory-schema.ts';

/** Far above what a host of 1,024 CPUs fills. */
const FILE_BYTES_MAX = 64 * 1024 ** 2;

const kept = z.object({
  version: z.literal(1),
  document: inventorySchema,
  changes: inventoryChangesSchema.shape.changes,
});

export interface KeptInventory {
  readonly document: InventoryDocument;
  /** Newest first. */
  readonly changes: InventoryChanges['changes'];
}

/** Undefined where there is none, or nothing that can be used; then nothing is compared. */
export function readInventoryFile(file: string): KeptInventory | undefined {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) return undefined;
    const parsed = kept.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all. Throws what the system says. */
export function writeInventoryFile(file: string, { document, changes }: KeptInventory): void {
  writeFileSync(`${file}.new`, JSON.stringify({ version: 1, document, changes }), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
