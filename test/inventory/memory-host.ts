import { posix } from 'node:path';
import type { HostReader, ReadOutcome, ReadProblem } from '../../src/inventory/host-reader.ts';

/** What a fake host holds: files and links by absolute path, and what its programs answer. */
export interface HostContent {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly links?: Readonly<Record<string, string>>;
  /** By program and arguments joined with blanks; a text is an answer with status 0. */
  readonly programs?: Readonly<Record<string, string | ReadProblem>>;
  /** By path: reading it fails so. */
  readonly broken?: Readonly<Record<string, ReadProblem['kind']>>;
  readonly statfs?: Readonly<Record<string, number>>;
}

type Node = { folder: Map<string, Node> } | { file: string | Uint8Array } | { link: string };

/** A host in memory that follows links as the kernel does. Says which programs were started. */
export function memoryHost(
  content: HostContent,
): HostReader & { readonly started: readonly string[] } {
  const root: Node = { folder: new Map() };
  for (const [path, file] of Object.entries(content.files ?? {})) put(root, path, { file });
  for (const [path, link] of Object.entries(content.links ?? {})) put(root, path, { link });
  const started: string[] = [];
  const read = <T>(
    path: string,
    pick: (node: Node | undefined) => T | undefined,
  ): ReadOutcome<T> => {
    const kind = content.broken?.[path];
    if (kind !== undefined) return no(kind, path);
    const value = pick(resolve(root, path)?.node);
    return value === undefined ? no('absent', path) : { ok: true, value };
  };
  return {
    started,
    text: (path) =>
      read(path, (node) =>
        node !== undefined && 'file' in node
          ? typeof node.file === 'string'
            ? node.file
            : Buffer.from(node.file).toString('utf8')
          : undefined,
      ),
    bytes: (path) =>
      read(path, (node) =>
        node !== undefined && 'file' in node
          ? typeof node.file === 'string'
            ? Buffer.from(node.file)
            : node.file
          : undefined,
      ),
    list: (path) =>
      read(path, (node) =>
        node !== undefined && 'folder' in node ? [...node.folder.keys()].sort() : undefined,
      ),
    link(path) {
      const parent = resolve(root, posix.dirname(path));
      if (parent === undefined || !('folder' in parent.node)) return no('absent', path);
      const node = parent.node.folder.get(posix.basename(path));
      if (node === undefined || !('link' in node)) return no('absent', path);
      return { ok: true, value: posix.resolve(parent.path, node.link) };
    },
    exists: (path) => resolve(root, path) !== undefined,
    statfs(path) {
      const totalBytes = content.statfs?.[path];
      if (totalBytes === undefined) return no('failed', path);
      const half = totalBytes / 2;
      return {
        ok: true,
        value: { totalBytes, freeBytes: half, availableBytes: half, inodes: 10, inodesFree: 5 },
      };
    },
    run(program, args) {
      const command = [program, ...args].join(' ');
      started.push(command);
      const answer = content.programs?.[command] ?? content.programs?.[program];
      if (answer === undefined) return Promise.resolve(no('absent', command));
      return Promise.resolve(
        typeof answer === 'string' ? { ok: true, value: answer } : { ok: false, problem: answer },
      );
    },
  };
}

function no(kind: ReadProblem['kind'], detail: string): { ok: false; problem: ReadProblem } {
  return { ok: false, problem: { kind, detail } };
}

function put(root: Node, path: string, leaf: Node): void {
  const parts = path.split('/').filter((part) => part !== '');
  let at = root;
  for (const part of parts.slice(0, -1)) {
    if (!('folder' in at)) return;
    let next = at.folder.get(part);
    if (next === undefined) {
      next = { folder: new Map() };
      at.folder.set(part, next);
    }
    at = next;
  }
  // A path given as a file and as the folder of others: the folder wins, as in a checked-out tree.
  const name = parts.at(-1)!;
  if ('folder' in at && !at.folder.has(name)) {
    at.folder.set(name, 'file' in leaf && path.endsWith('/') ? { folder: new Map() } : leaf);
  }
}

function resolve(root: Node, path: string, budget = 40): { node: Node; path: string } | undefined {
  let node = root;
  let at = '/';
  const parts = path.split('/').filter((part) => part !== '');
  for (const [i, part] of parts.entries()) {
    if (!('folder' in node)) return undefined;
    const next = node.folder.get(part);
    if (next === undefined) return undefined;
    if ('link' in next) {
      if (budget === 0) return undefined;
      const rest = parts.slice(i + 1).join('/');
      return resolve(root, `${posix.resolve(at, next.link)}/${rest}`, budget - 1);
    }
    node = next;
    at = posix.join(at, part);
  }
  return { node, path: at };
}
