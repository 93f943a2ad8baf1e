import type { DatabaseSync } from 'node:sqlite';
import { type FileKind, openDurableFile } from './durable-file.ts';

const kind: FileKind = {
  name: 'journal',
  // "Brth"
  applicationId: 0x42727468,
  migrations: [
    // `before` is the size of all event bodies before this one, as if the journal were one long log:
    // the size of any stretch of it is one subtraction.
    `create table events (
     sequence integer primary key,
     at integer not null,
     kind text not null,
     version integer not null,
     workload text,
     before integer not null,
     body text not null
   ) strict;
   create index events_by_workload on events (workload, sequence) where workload is not null;
   create table snapshots (
     sequence integer primary key,
     at integer not null,
     format integer not null,
     checksum blob not null,
     body blob not null
   ) strict;`,
  ],
};

/** Opens or creates a journal. Throws as `openDurableFile` does. */
export const openJournalFile = (file: string): DatabaseSync => openDurableFile(file, kind);
