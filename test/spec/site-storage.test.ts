import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { siteNames } from '../../src/app/site-names.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { parseSite } from '../../src/spec/site-document.ts';

const GIB = 1024 ** 3;
const site = (text: string) => {
  const parsed = parseSite(text, { fileName: 'site.yaml', ...siteNames() });
  assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  return parsed;
};
const storage = site(`storage:
  classes: {ssd: /srv/ssd}
  volumes:
    - {name: data, size: 100Gi, type: ssd, mount_path: /data}
    - {name: models, size: 50Gi, mount_path: /models, read_only: true}
  temp_storage: {size: 20Gi, cleanup_policy: on_success}
`).site.storage!;
const submitted = (text: string) => parseDocument(text, { fileName: 'job.yaml', storage });
const terms = (text: string) => {
  const parsed = submitted(text);
  assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  return parsed.spec.steps.map((step) => step.execution?.storage);
};
const data = {
  name: 'data',
  size: 100 * GIB,
  storageClass: 'ssd',
  mountPath: '/data',
  readOnly: false,
};
const scratch = { size: 20 * GIB, cleanup: 'on-success' };

describe('what a document takes of the storage of its site', () => {
  const cases: Record<string, [text: string, want: unknown]> = {
    'a volume by its name': ['run: x\nstorage: {volumes: [data]}\n', { volumes: [data], scratch }],
    'its own place, and read only': [
      'run: x\nstorage: {volumes: [{name: data, mount_path: /in, read_only: true}]}\n',
      { volumes: [{ ...data, mountPath: '/in', readOnly: true }], scratch },
    ],
    'what the site has read-only stays so': [
      'run: x\nstorage: {volumes: [{name: models, read_only: false}], temp_storage: {size: 1Gi}}\n',
      {
        volumes: [{ name: 'models', size: 50 * GIB, mountPath: '/models', readOnly: true }],
        scratch: { size: GIB, cleanup: 'immediate' },
      },
    ],
    'scratch where nothing is said': ['run: x\n', { volumes: [], scratch }],
    'a volume of its own': [
      'run: x\nstorage: {volumes: [{name: own, size: 1Gi, mount_path: /own}]}\n',
      {
        volumes: [{ name: 'own', size: GIB, mountPath: '/own', readOnly: false }],
        scratch,
      },
    ],
  };
  for (const [name, [text, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(terms(text), [want]));
  }
  test('scratch of the site is asked for where it runs', () => {
    const parsed = submitted('run: x\n');
    assert.ok(parsed.ok);
    const { constraints } = parsed.spec.steps[0]!;
    assert.deepEqual(constraints?.scratch, [{ name: 'scratch', bytes: 20 * GIB }]);
  });

  const wrong: Record<string, [text: string, want: string]> = {
    'no such volume': ['run: x\nstorage: {volumes: [dat]}\n', '2:21 the site has no volume "dat"'],
    'a part of a volume of its own': [
      'run: x\nstorage:\n  volumes:\n    - {name: own, size: 1Gi}\n',
      '4:7 the site has no volume "own"',
    ],
    'another size': [
      'run: x\nstorage: {volumes: [{name: data, size: 1Gi, mount_path: /d}]}\n',
      '2:21 the site has a volume "data" of 100Gi: its size is not said here',
    ],
    'another class': [
      'run: x\nstorage: {volumes: [{name: data, type: hdd}]}\n',
      '2:21 the volume "data" of the site is of the class ssd',
    ],
    'the place of a volume of the site twice': [
      'run: x\nstorage: {volumes: [data, {name: own, size: 1Gi, mount_path: /data}]}\n',
      '2:27 another volume has /data, too',
    ],
    'a place twice': [
      'run: x\nstorage: {volumes: [{name: data, mount_path: /d}, {name: models, mount_path: /d}]}\n',
      '2:51 another volume has /d, too',
    ],
  };
  for (const [name, [text, want]] of Object.entries(wrong)) {
    test(name, () => {
      const parsed = submitted(text);
      assert.ok(!parsed.ok);
      assert.deepEqual(
        parsed.issues.map(({ line, column, message }) => `${line}:${column} ${message}`),
        [want],
      );
    });
  }
  test('a document that is only checked may name volumes that the site is to have', () => {
    const parsed = parseDocument('run: x\nstorage: {volumes: [any]}\n', { fileName: 'job.yaml' });
    assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  });
});

test('a class without a folder is told, and its volumes lie in the state folder', () => {
  const parsed = site(
    'storage: {volumes: [{name: a, size: 1Gi, type: ssd, mount_path: /a}, {name: b, size: 1Gi, mount_path: /b}]}\n',
  );
  assert.deepEqual(
    parsed.warnings.map(({ message }) => message),
    ['`storage.classes` names no folder for "ssd": it lies in the state folder'],
  );
  assert.deepEqual(
    parsed.site.storage?.volumes?.map(({ name, storageClass }) => [name, storageClass]),
    [
      ['a', undefined],
      ['b', undefined],
    ],
  );
});

const mistakes: Record<string, string> = {
  'storage: {volumes: [{name: a, size: 1Gi}]}': 'storage.volumes.0.mount_path',
  'storage: {volumes: [{name: a, size: lots, mount_path: /a}]}': 'storage.volumes.0.size',
  'storage: {volumes: [{name: a, size: 1Gi, mount_path: /a}, {name: a, size: 1Gi, mount_path: /b}]}':
    'storage.volumes.1',
  'storage: {temp_storage: {cleanup_policy: never}}': 'storage.temp_storage',
  'storage: {temp_storage: {size: 1Gi, cleanup: later}}': 'storage.temp_storage.cleanup',
};
for (const [text, path] of Object.entries(mistakes)) {
  test(`an error of the site: ${text}`, () => {
    const parsed = parseSite(`${text}\n`, { fileName: 'site.yaml', ...siteNames() });
    assert.ok(!parsed.ok);
    assert.deepEqual(
      parsed.issues.map((issue) => issue.path.join('.')),
      [path],
    );
  });
}

test('the workspace of a document is that of each of its tasks', () => {
  const text =
    'resource_requirements: {storage: {workspace: 1Gi}}\nsteps: [{id: a, run: x}, {id: b, run: x, storage: {volumes: [data]}}]\n';
  const parsed = submitted(text);
  assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  assert.deepEqual(parsed.warnings, []);
  assert.deepEqual(
    parsed.spec.steps.map(({ execution }) => execution?.storage),
    [
      { volumes: [], scratch, workspace: GIB },
      { volumes: [data], scratch, workspace: GIB },
    ],
  );
});
