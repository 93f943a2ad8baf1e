import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type FileKind, openDurableFile } from './durable-file.ts';
import { storageFailure } from './storage-failure.ts';

const kind: FileKind = {
  name: 'queue overflow',
  // "Bovf"
  applicationId: 0x426f7666,
  migrations: [
    // `body` is text where `form` is `plain`, and a blob otherwise.
    `create table spilled (
     id integer primary key,
     at integer not null,
     tenant text not null,
     queue text not null,
     name text not null,
     kind text not null,
     priority integer not null,
     tasks integer not null,
     form text not null check (form in ('plain', 'zstd')),
     version integer not null,
     plain_bytes integer not null,
     kept_bytes integer not null,
     body any not null
   ) strict;
   create index spilled_by_queue on spilled (queue, plain_bytes, kept_bytes, at);`,
  ],
};

/** Opens or creates the file of what full queues keep, and its folder. Throws as `openDurableFile` does. */
export function openOverflowFile(file: string): DatabaseSync {
  try {
    mkdirSync(dirname(file), { mode: 0o700, recursive: true });
  } catch (error) {
    throw storageFailure(`the ${kind.name} ${file}`, error);
  }
  return openDurableFile(file, kind);
}
