import { readDocument } from '../cli/io/read-document.ts';
import type { Documents } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';

export function openDocuments(cwd: string): Documents {
  return {
    read: (file) => readDocument(file, cwd),
    check: () => Promise.reject(new OperationError('INTERNAL', 'Checking is not built yet.')),
    schema: () => Promise.reject(new OperationError('INTERNAL', 'The schema is not built yet.')),
  };
}
