import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { NotMoved, relocate, settle, settleDouble } from '../../src/transfer/io/relocate.ts';
import { scanTiers, type TierFile } from '../../src/transfer/io/scan-tiers.ts';
import { COMPRESSED, dataIn, hidden, type TierPlace } from '../../src/transfer/io/tier-names.ts';

const bounded = { timeout: 120_000 };
const base = realpathSync(mkdtempSync(join(tmpdir(), 'berth-tiers-')));
after(() => rmSync(base, { recursive: true, force: true }));

/** A folder of files, and two tiers: the second compresses. */
class Ground {
  readonly root: string;
  readonly plain: TierPlace;
  readonly packed: TierPlace;
  readonly places: readonly TierPlace[];
  readonly #contents = new Map<string, Buffer>();

  constructor(names: readonly string[] = ['a.bin', 'sub/deep/b.bin']) {
    const here = mkdtempSync(join(base, 'g-'));
    const [root, plain, packed] = ['data', 'plain', 'packed'].map((name) => {
      mkdirSync(join(here, name));
      return join(here, name);
    });
    this.root = root!;
    this.plain = { name: 'plain', folder: plain!, compress: false };
    this.packed = { name: 'packed', folder: packed!, compress: true };
    this.places = [this.plain, this.packed];
    for (const [i, name] of names.entries()) {
      const path = join(this.root, name);
      mkdirSync(dirname(path), { recursive: true });
      const content = i % 2 === 0 ? randomBytes(5_000 + i * 7_000) : Buffer.alloc(60_000, i);
      writeFileSync(path, content);
      chmodSync(path, 0o640);
      utimesSync(path, 1_600_000_000, 1_500_000_000.25);
      this.#contents.set(path, content);
    }
  }

  async file(name: string): Promise<TierFile> {
    const { files } = await scanTiers(this.root, this.places);
    const found = files.find(({ path }) => path === join(this.root, name));
    assert.ok(found, `${name} is known`);
    return found;
  }

  async move(name: string, to: TierPlace | undefined): Promise<void> {
    await relocate(this.root, await this.file(name), to);
  }

  /** Every file can be had, whole: under its own name, or compressed under the other. */
  check(): void {
    for (const [path, content] of this.#contents) {
      const packed = `${path}${COMPRESSED}`;
      const found = existsSync(path)
        ? readFileSync(path)
        : zstdDecompressSync(readFileSync(packed));
      assert.ok(found.equals(content), `${path} is whole`);
    }
  }

  async settle(): Promise<string[]> {
    const { leftovers, doubles } = await scanTiers(this.root, this.places);
    const told: string[] = [];
    for (const one of leftovers) {
      const sentence = await settle(one, this.root, this.places);
      if (sentence !== undefined) told.push(sentence);
    }
    for (const packed of doubles) await settleDouble(packed, this.root, this.places);
    return told;
  }

  /** Files in the tiers. */
  kept(): string[] {
    return this.places.flatMap(({ folder }) =>
      this.entries(folder).filter((name) => !statSync(join(folder, name)).isDirectory()),
    );
  }

  /** What lies in a folder. */
  entries(folder = this.root): string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  }
}

test('a file goes from tier to tier and back, with all that belongs to it', bounded, async () => {
  const ground = new Ground();
  const path = join(ground.root, 'sub/deep/b.bin');
  const steps = [ground.plain, ground.packed, ground.plain, undefined, ground.packed, undefined];
  for (const to of steps) {
    const before = await ground.file('sub/deep/b.bin');
    // Reading it below changes when it was accessed.
    utimesSync(before.data, 1_600_000_000, 1_500_000_000);
    await ground.move('sub/deep/b.bin', to);
    const entry = to?.compress ? `${path}${COMPRESSED}` : path;
    assert.equal(lstatSync(entry).isSymbolicLink(), to !== undefined);
    const { mode, mtimeMs, atimeMs, size } = statSync(entry);
    const expected = [0o640, 1_500_000_000_000, 1_600_000_000_000];
    assert.deepEqual([mode & 0o7777, mtimeMs, atimeMs], expected);
    ground.check();
    if (to?.compress) assert.ok(size < 1_000, 'zeros compress');
    const place = to === undefined ? undefined : to.name;
    assert.equal((await ground.file('sub/deep/b.bin')).place?.name, place);
  }
  assert.deepEqual(ground.entries(), ['a.bin', 'sub', 'sub/deep', 'sub/deep/b.bin']);
  assert.deepEqual(ground.kept(), [], 'nothing is left in the tiers');
});

test('its folders in a tier keep out whom its own keep out', bounded, async () => {
  const ground = new Ground();
  chmodSync(join(ground.root, 'sub'), 0o700);
  chmodSync(join(ground.root, 'sub/deep'), 0o2750);
  await ground.move('sub/deep/b.bin', ground.plain);
  const folders = ['sub', 'sub/deep'].map((name) => {
    return dataIn(ground.plain, ground.root, join(ground.root, name), false);
  });
  const modes = folders.map((folder) => statSync(folder).mode & 0o7777);
  assert.deepEqual(modes, [0o700, 0o2750]);
  ground.check();
});

describe('files that stay where they are', () => {
  const refuses = (ground: Ground, file: TierFile, why: RegExp, to = ground.plain) =>
    assert.rejects(relocate(ground.root, file, to), (error: unknown) => {
      assert.ok(error instanceof NotMoved, String(error));
      assert.match(error.message, why);
      return true;
    });

  test('one that is open', bounded, async () => {
    const ground = new Ground();
    const file = await ground.file('a.bin');
    const fd = openSync(file.path, 'r');
    try {
      await refuses(ground, file, new RegExp(`open in process .*${process.pid}`));
    } finally {
      closeSync(fd);
    }
    ground.check();
    await relocate(ground.root, await ground.file('a.bin'), ground.plain);
    const again = await ground.file('a.bin');
    const through = openSync(file.path, 'r');
    try {
      await refuses(ground, again, /open in process/, ground.packed);
    } finally {
      closeSync(through);
    }
  });

  test('one that changed since it was looked at', bounded, async () => {
    const ground = new Ground();
    const file = await ground.file('a.bin');
    writeFileSync(file.path, 'more', { flag: 'a' });
    await refuses(ground, file, /changed since/);
    assert.equal(statSync(file.path).size, file.size + 4);
  });

  test('hard links, links of others, and names of ours', bounded, async () => {
    const ground = new Ground();
    linkSync(join(ground.root, 'a.bin'), join(ground.root, 'twin'));
    symlinkSync('/etc', join(ground.root, 'etc'));
    symlinkSync('/etc/hostname', join(ground.root, 'hostname'));
    symlinkSync(`${ground.plain.folder}/x`, join(ground.root, 'dangling'));
    writeFileSync(join(ground.root, `x${COMPRESSED}`), 'mine');
    const { files, skipped } = await scanTiers(ground.root, ground.places);
    assert.deepEqual(
      files.map(({ path }) => path),
      [join(ground.root, 'sub/deep/b.bin')],
    );
    assert.deepEqual(
      skipped.map(({ path }) => path.slice(ground.root.length + 1)),
      ['a.bin', 'twin', `x${COMPRESSED}`],
    );
  });

  test('one whose folder became a link that leads out', bounded, async () => {
    const ground = new Ground();
    const file = await ground.file('sub/deep/b.bin');
    const outside = join(base, 'outside');
    renameSync(join(ground.root, 'sub'), outside);
    symlinkSync(outside, join(ground.root, 'sub'));
    await refuses(ground, file, /a folder above it is a link/);
    assert.deepEqual(readdirSync(join(outside, 'deep')), ['b.bin']);
  });

  test('one where a link leads out of the tier', bounded, async () => {
    const ground = new Ground();
    const outside = mkdtempSync(join(base, 'out-'));
    const folder = dirname(dataIn(ground.plain, ground.root, join(ground.root, 'a.bin'), false));
    symlinkSync(outside, folder);
    await refuses(ground, await ground.file('a.bin'), /is a link/);
    assert.deepEqual(readdirSync(outside), []);
  });

  test('one whose place another file has', bounded, async () => {
    const ground = new Ground();
    const target = dataIn(ground.plain, ground.root, join(ground.root, 'a.bin'), false);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, 'of somebody else');
    await refuses(ground, await ground.file('a.bin'), /is there already, and is another file/);
    assert.equal(readFileSync(target, 'utf8'), 'of somebody else');
    ground.check();
  });

  test('one that somebody else moved there, or back, meanwhile', bounded, async () => {
    const ground = new Ground();
    for (const to of [ground.plain, ground.packed, undefined]) {
      await ground.move('a.bin', to);
      const entries = ground.entries();
      const moved = await ground.file('a.bin');
      await assert.rejects(relocate(ground.root, moved, to), /it is there already/);
      assert.deepEqual(ground.entries(), entries);
      ground.check();
    }
  });

  test('one that would come back over another of its name', bounded, async () => {
    const ground = new Ground();
    await ground.move('a.bin', ground.packed);
    const file = await ground.file('a.bin');
    writeFileSync(file.path, 'newer');
    await assert.rejects(relocate(ground.root, file, undefined), /another file has its name/);
    assert.equal(readFileSync(file.path, 'utf8'), 'newer');
    assert.ok(existsSync(file.data));
    const { skipped } = await scanTiers(ground.root, ground.places);
    assert.match(skipped[0]!.why, /is there, too/);
    await ground.settle();
    assert.ok(existsSync(file.data), 'what is another file is not settled');
  });
});

test(
  'one that is opened while it is copied goes back, whichever way it goes',
  bounded,
  async () => {
    const ground = new Ground(['big.bin']);
    const path = join(ground.root, 'big.bin');
    const content = Buffer.alloc(64 * 1024 * 1024, 'x');
    writeFileSync(path, content);
    const opened = async (to: TierPlace | undefined, folder: string): Promise<void> => {
      const file = await ground.file('big.bin');
      const entry = lstatSync(file.entry).isSymbolicLink();
      const moving = relocate(ground.root, file, to).then(
        () => assert.fail('it was moved'),
        (error: unknown) => error,
      );
      while (!ground.entries(folder).some((name) => name.endsWith('.berth-partial'))) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      const fd = openSync(path, 'r');
      const error = await moving;
      closeSync(fd);
      assert.ok(error instanceof NotMoved && /opened while it was moved/.test(error.message));
      assert.equal(lstatSync(path).isSymbolicLink(), entry);
      assert.ok(readFileSync(path).equals(content));
      const { leftovers, skipped } = await scanTiers(ground.root, ground.places);
      assert.deepEqual([leftovers, skipped], [[], []]);
    };
    await opened(ground.plain, ground.plain.folder);
    assert.deepEqual(ground.kept(), [], 'the copy is gone');
    await ground.move('big.bin', ground.plain);
    await opened(undefined, ground.root);
    await opened(
      { ...ground.plain, name: 'packed', folder: ground.packed.folder },
      ground.packed.folder,
    );
  },
);

/** Each state that a move leaves when it is cut off there, and what settling makes of it. */
describe('what a crash leaves', () => {
  const cases: Record<
    string,
    {
      leave: (ground: Ground, path: string) => Promise<void>;
      told: RegExp | undefined;
      want: string[];
    }
  > = {
    'its name was taken away': {
      leave: async (_, path) => renameSync(path, hidden(path, 'was')),
      told: /has its name again/,
      want: ['a.bin'],
    },
    'the link is there, and what it replaced': {
      async leave(ground, path) {
        const content = readFileSync(path);
        await ground.move('a.bin', ground.plain);
        writeFileSync(hidden(path, 'was'), content);
      },
      told: undefined,
      want: ['a.bin'],
    },
    'the same, compressed': {
      async leave(ground, path) {
        const content = readFileSync(path);
        await ground.move('a.bin', ground.packed);
        writeFileSync(hidden(path, 'was'), content);
      },
      told: undefined,
      want: [`a.bin${COMPRESSED}`],
    },
    'it was written to while it was moved': {
      async leave(ground, path) {
        const content = readFileSync(path);
        await ground.move('a.bin', ground.plain);
        const { data } = await ground.file('a.bin');
        writeFileSync(data, 'older');
        writeFileSync(hidden(path, 'was'), content);
      },
      told: /is where it was/,
      want: ['a.bin'],
    },
    'its name was given back, but not yet taken from the hidden one': {
      leave: async (_, path) => linkSync(path, hidden(path, 'was')),
      told: undefined,
      want: ['a.bin'],
    },
    'what came back has no name yet': {
      async leave(ground, path) {
        await ground.move('a.bin', ground.plain);
        writeFileSync(hidden(path, 'restored'), readFileSync(path).subarray(0, 7));
      },
      told: undefined,
      want: ['a.bin'],
    },
    'the link was taken away for what came back': {
      async leave(ground, path) {
        await ground.move('a.bin', ground.plain);
        writeFileSync(hidden(path, 'restored'), readFileSync(path));
        renameSync(path, hidden(path, 'was'));
      },
      told: /has its name again/,
      want: ['a.bin'],
    },
    'it came back from what is compressed, which is there still': {
      async leave(ground, path) {
        const content = readFileSync(path);
        await ground.move('a.bin', ground.packed);
        writeFileSync(path, content);
        linkSync(path, hidden(path, 'restored'));
      },
      told: undefined,
      want: ['a.bin'],
    },
    'the link was taken away for another': {
      async leave(ground, path) {
        await ground.move('a.bin', ground.plain);
        renameSync(path, hidden(path, 'was'));
      },
      told: /has its name again/,
      want: ['a.bin'],
    },
  };
  for (const [sentence, { leave, told, want }] of Object.entries(cases)) {
    test(sentence, bounded, async () => {
      const ground = new Ground(['a.bin']);
      await leave(ground, join(ground.root, 'a.bin'));
      const sentences = (await ground.settle()).join('\n');
      if (told === undefined) assert.equal(sentences, '');
      else assert.match(sentences, told);
      ground.check();
      assert.deepEqual(ground.entries(), want);
      // And the next move goes on from there.
      const { place } = await ground.file('a.bin');
      if (place === undefined) return;
      await ground.move('a.bin', undefined);
      ground.check();
    });
  }

  test('another file took the name: both stay, and it is told', bounded, async () => {
    const ground = new Ground(['a.bin']);
    const path = join(ground.root, 'a.bin');
    const old = readFileSync(path);
    renameSync(path, hidden(path, 'was'));
    writeFileSync(path, 'newer');
    const [told] = await ground.settle();
    assert.match(told!, /before another file took its name/);
    assert.ok(readFileSync(hidden(path, 'was')).equals(old));
    assert.equal(readFileSync(path, 'utf8'), 'newer');
  });

  test('what it replaced is still open: it stays until it is closed', bounded, async () => {
    const ground = new Ground(['a.bin']);
    const path = join(ground.root, 'a.bin');
    const content = readFileSync(path);
    await ground.move('a.bin', ground.plain);
    writeFileSync(hidden(path, 'was'), content);
    const fd = openSync(hidden(path, 'was'), 'r+');
    assert.match((await ground.settle())[0]!, /still open/);
    closeSync(fd);
    assert.deepEqual(await ground.settle(), []);
    assert.ok(!existsSync(hidden(path, 'was')));
  });

  test('a copy that is whole is used by the next try', bounded, async () => {
    const ground = new Ground(['a.bin']);
    const file = await ground.file('a.bin');
    await relocate(ground.root, file, ground.plain);
    const { ino } = statSync(file.path);
    // As if the link had not been made.
    unlinkSync(file.path);
    writeFileSync(file.path, readFileSync(readFileDataOf(ground, file.path)));
    await ground.move('a.bin', ground.plain);
    assert.equal(statSync(file.path).ino, ino);
  });
});

const readFileDataOf = (ground: Ground, path: string): string =>
  dataIn(ground.plain, ground.root, path, false);

test('kill -9 at any moment loses no file', { timeout: 300_000 }, async (t) => {
  const names = Array.from({ length: 9 }, (_, i) => `${i % 3}/f${i}.bin`);
  const ground = new Ground(names);
  let steps = 0;
  let cut = 0;
  for (let round = 0; round < 24; round++) {
    steps += await killedAfter(round % 5, (round * 37) % 130, ground);
    const { leftovers, doubles } = await scanTiers(ground.root, ground.places);
    cut += leftovers.length + doubles.length;
    const told = await ground.settle();
    assert.deepEqual(
      told.filter((one) => !one.endsWith('has its name again')),
      [],
    );
    ground.check();
    const after = await scanTiers(ground.root, ground.places);
    assert.deepEqual([after.leftovers, after.skipped], [[], []]);
    assert.equal(after.files.length, names.length, `round ${round}`);
  }
  t.diagnostic(`${steps} moves, ${cut} leftovers settled`);
  assert.ok(steps >= 24);
  for (const name of names) if ((await ground.file(name)).place) await ground.move(name, undefined);
  ground.check();
});

/** Lets the mover make so many moves, and so many milliseconds later kills it. @returns the moves it told of. */
async function killedAfter(moves: number, ms: number, ground: Ground): Promise<number> {
  const script = new URL('./tier-back-and-forth.ts', import.meta.url).pathname;
  const folders = ground.places.map(({ folder }) => folder);
  const child = spawn(process.execPath, [script, ground.root, ...folders], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = 0;
  const closed = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_, signal) => resolve(signal)),
  );
  child.stdout.on('data', (piece: Buffer) => {
    const before = told;
    told += piece.length;
    if (before <= moves && told > moves) setTimeout(() => child.kill('SIGKILL'), ms);
  });
  assert.equal(await closed, 'SIGKILL');
  return told;
}

test('the place of a file tells folders of the same name apart', () => {
  const place = { name: 'x', folder: '/x', compress: false };
  const of = (root: string) => dataIn(place, root, `${root}/a`, false);
  assert.notEqual(of('/one/data'), of('/two/data'));
  const sum = createHash('sha256').update('/one/data').digest('hex').slice(0, 12);
  assert.equal(of('/one/data'), `/x/data-${sum}/a`);
});
