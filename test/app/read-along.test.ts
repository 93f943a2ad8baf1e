import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openDocuments } from '../../src/app/documents.ts';
import { submissionParser } from '../../src/app/parse-submission.ts';
import { defaultSite } from '../../src/app/read-site.ts';
import { timeMs } from '../../src/base/units.ts';

const dir = mkdtempSync(join(tmpdir(), 'berth-along-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const documents = openDocuments(dir);
const parseSubmission = submissionParser(defaultSite, () => timeMs(0));
const none = { vars: [], varsFiles: [] };

mkdirSync(join(dir, 'flows/lib'), { recursive: true });
const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
write(
  'flows/a.yaml',
  'include: [lib/b.yaml]\nvars: {n: 1}\nsteps: [{id: a, run: [x, "${{ vars.n }}"]}]\n',
);
write('flows/lib/b.yaml', 'include: ../c.yaml\nvars: {m: 1}\n');
write('flows/c.yaml', 'vars: {k: 1}\n');
write('flows/missing.yaml', 'include: [lib/nowhere.yaml, lib]\nrun: x\n');
write('flows/loop.yaml', 'include: loop.yaml\nrun: x\n');
write('values.yaml', 'n: 2\nk: [3]\n');

describe('what a document includes is read beside it, and sent along', () => {
  test('files within files, each by its path from where the document is named', async () => {
    const read = await documents.read('flows/a.yaml');
    assert.deepEqual(Object.keys(read.files ?? {}), ['flows/lib/b.yaml', 'flows/c.yaml']);
    assert.deepEqual(read.unreadable, undefined);
    const parsed = parseSubmission(read.text, read);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.spec.vars, { k: 1, m: 1, n: 1 });
  });

  test('values by name and by file', async () => {
    const read = await documents.read('flows/a.yaml', {
      vars: ['n=7', 'm=a=b'],
      varsFiles: ['values.yaml'],
    });
    const parsed = parseSubmission(read.text, read);
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.text);
    assert.deepEqual(parsed.spec.vars, { k: [3], m: 'a=b', n: 7 });
    assert.deepEqual(parsed.spec.steps[0]?.run, { kind: 'argv', argv: ['x', '7'] });
  });

  test('what cannot be read is told where it is included', async () => {
    const read = await documents.read('flows/missing.yaml');
    const { valid, report } = await documents.check(read);
    assert.equal(valid, false);
    assert.match(
      report,
      /missing\.yaml:1:11 error: include: "flows\/lib\/nowhere\.yaml" does not exist/,
    );
    assert.match(report, /missing\.yaml:1:29 error: include: "flows\/lib" is a folder, not a file/);
  });

  test('a document that includes itself ends', async () => {
    const { report } = await documents.check(await documents.read('flows/loop.yaml'));
    assert.match(
      report,
      /files include each other in a circle: flows\/loop.yaml → flows\/loop.yaml/,
    );
  });

  test('a document without any is sent as it is', async () => {
    const read = await documents.read('values.yaml');
    assert.deepEqual([read.files, read.vars], [undefined, undefined]);
    assert.deepEqual(Object.keys(await documents.read('values.yaml', none)), [
      'text',
      'fileName',
      'cwd',
    ]);
  });

  test('a value without a name is refused', async () => {
    const wrong = documents.read('flows/a.yaml', { vars: ['n'], varsFiles: [] });
    await assert.rejects(wrong, { code: 'USAGE', message: '--var takes NAME=VALUE, not "n".' });
  });

  test('without what was sent along, the daemon says what is missing', () => {
    const parsed = parseSubmission('include: x.yaml\nrun: x\n', {
      fileName: 'a.yaml',
      cwd: dir,
    });
    assert.ok(!parsed.ok);
    assert.match(parsed.text, /a\.yaml:1:10 error: include: "x\.yaml" was not sent along/);
  });
});

const examples = join(import.meta.dirname, '../../examples');
for (const file of globSync('*.yaml', { cwd: examples })) {
  test(`examples/${file} is right, without a warning`, async () => {
    const found = openDocuments(examples);
    const { valid, report } = await found.check(await found.read(file));
    assert.deepEqual([valid, report], [true, '']);
  });
}
