import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExecutionTerms } from '../../src/model/execution-terms.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { parse } from '../builders/site-text.ts';

const GIB = 1024 ** 3;

function terms(text: string): readonly (ExecutionTerms | undefined)[] {
  const parsed = parseDocument(text, { fileName: 'job.yaml' });
  assert.ok(parsed.ok, JSON.stringify(parsed.ok ? '' : parsed.issues));
  assert.deepEqual(parsed.warnings, []);
  return parsed.spec.steps.map(({ execution }) => execution);
}

const faults = (text: string): string => {
  const parsed = parseDocument(text, { fileName: 'job.yaml' });
  assert.ok(!parsed.ok);
  return parsed.issues.map(({ message }) => message).join('\n');
};

test('the storage block of seed 002 is that of every step without one of its own', () => {
  const text = `name: a
storage:
  volumes:
    - {name: "pipeline-data", size: "100Gi", type: "ssd", mount_path: "/data"}
  temp_storage: {size: "20Gi", cleanup_policy: "on_success"}
steps:
  - {id: one, run: x}
  - {id: two, run: x, storage: {temp_storage: {size: 1Gi}}}
`;
  const [one, two] = terms(text);
  assert.deepEqual(one?.storage, {
    volumes: [
      {
        name: 'pipeline-data',
        size: 100 * GIB,
        storageClass: 'ssd',
        mountPath: '/data',
        readOnly: false,
      },
    ],
    scratch: { size: 20 * GIB, cleanup: 'on-success' },
  });
  assert.deepEqual(two?.storage, { volumes: [], scratch: { size: GIB, cleanup: 'immediate' } });
});

test('isolation, every key of it', () => {
  const text = `run: x
isolation:
  required: false
  user: ada
  no_new_privileges: true
  private_tmp: true
  read_only: [/, /data/]
  writable: [/data/out]
  namespaces: [pid, network, pid]
  devices: [/dev/fuse]
  seccomp: [ptrace, socket]
  daemon_access: false
  secrets: [{secret: a}, {secret: a, as: environment, name: TOKEN}]
`;
  assert.deepEqual(terms(text)[0]?.isolation, {
    required: false,
    user: 'ada',
    noNewPrivileges: true,
    privateTmp: true,
    readOnly: ['/', '/data'],
    writable: ['/data/out'],
    namespaces: ['pid', 'network'],
    devices: ['/dev/fuse'],
    seccomp: ['ptrace', 'socket'],
    daemonAccess: false,
    secrets: [
      { secret: 'a', as: 'file', name: 'a' },
      { secret: 'a', as: 'environment', name: 'TOKEN' },
    ],
  });
});

describe('what contradicts itself, or could be something else, is refused', () => {
  const cases: Record<string, { block: string; says: RegExp }> = {
    'a user and users of its own': {
      block: 'isolation: {user: ada, namespaces: [user]}',
      says: /cannot have users of its own/,
    },
    'the daemon from a network of its own': {
      block: 'isolation: {daemon_access: true, namespaces: [network]}',
      says: /cannot be reached/,
    },
    'read-only and writable at once': {
      block: 'isolation: {read_only: [/a], writable: [/a]}',
      says: /\/a is read_only, too/,
    },
    'a system call that no machine has': {
      block: 'isolation: {seccomp: [ptrace, fork_bomb]}',
      says: /no system call has this name|fork_bomb/,
    },
    'a program that cannot end': {
      block: 'isolation: {seccomp: [exit_group]}',
      says: /no program runs without it|exit_group/,
    },
    'a path with a way up': {
      block: 'isolation: {writable: [/a/../b]}',
      says: /cannot be used here/,
    },
    'a secret as a path': { block: 'isolation: {secrets: [{secret: ../token}]}', says: /./ },
    "a variable of Berth's": {
      block: 'isolation: {secrets: [{secret: a, as: environment, name: BERTH_X}]}',
      says: /no name for a variable/,
    },
    'two files of one name': {
      block: 'isolation: {secrets: [{secret: a, name: x}, {secret: b, name: x}]}',
      says: /another file x/,
    },
    'two volumes at one place': {
      block:
        'storage: {volumes: [{name: a, size: 1Gi, mount_path: /d}, {name: b, size: 1Gi, mount_path: /d/}]}',
      says: /another volume has \/d, too/,
    },
    'scratch without a size': {
      block: 'storage: {temp_storage: {cleanup: never}}',
      says: /it needs a `size`, or `phases`/,
    },
    'a phase larger than all of it': {
      block: 'storage: {temp_storage: {size: 1Gi, phases: [{name: a, size: 2Gi}]}}',
      says: /more than the `size` of 1Gi/,
    },
    'a phase without an end before others': {
      block: 'storage: {temp_storage: {phases: [{name: a, size: 2Gi}, {name: b, size: 1Gi}]}}',
      says: /say `for` how long/,
    },
    'two spellings of the same': {
      block: 'storage: {temp_storage: {size: 1Gi, cleanup: never, cleanup_policy: never}}',
      says: /the same thing/,
    },
  };
  for (const [name, { block, says }] of Object.entries(cases)) {
    test(name, () => assert.match(faults(`run: x\n${block}\n`), says));
  }
});

test('phases of scratch: its size is that of the largest, and they say where and when it may run', () => {
  const phases =
    '[{name: tables, size: 240Gi, for: 3h}, {name: compression, size: 180Gi, for: 90m}, {name: copy, size: 102Gi}]';
  const [one] = terms(`run: x\nstorage: {temp_storage: {phases: ${phases}}}\n`);
  const want = [
    { name: 'tables', bytes: 240 * GIB, forMs: 10_800_000 },
    { name: 'compression', bytes: 180 * GIB, forMs: 5_400_000 },
    { name: 'copy', bytes: 102 * GIB },
  ];
  assert.deepEqual(one?.storage?.scratch, { size: 240 * GIB, cleanup: 'immediate', phases: want });
});

test('a site says where volumes of a class lie', () => {
  const text = 'storage: {classes: {nvme: /mnt/nvme}}\n';
  const parsed = parse(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.site.storage, { classes: { nvme: '/mnt/nvme' } });
  assert.deepEqual(parsed.warnings, []);
});
