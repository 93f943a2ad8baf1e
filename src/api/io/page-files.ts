import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Far above what the page is; a wrong folder must not be read into memory. */
const FILES_MAX = 200;
const FILE_BYTES_MAX = 4_194_304;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

interface PageFile {
  readonly body: Buffer<ArrayBuffer>;
  readonly gzip: Buffer<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
  readonly cache: string;
}

const notBuilt = 'The web page has not been built. Run `npm run build`.\n';

/**
 * Serves the built page from memory. What is served is looked up by name in what was read from
 * `folder`, never by path, so that no request reaches outside it.
 */
export function pageFiles(
  folder: string,
): (path: string, headers: Headers) => Response | undefined {
  let files = read(folder);
  return (path, headers) => {
    if (files.size === 0) files = read(folder);
    const file = files.get(path === '/' ? '/index.html' : path);
    if (file === undefined) {
      return path === '/' ? new Response(notBuilt, { status: 503 }) : undefined;
    }
    const zipped = /\bgzip\b/.test(headers.get('accept-encoding') ?? '');
    const answer = new Headers({
      'content-type': file.type,
      'cache-control': file.cache,
      etag: file.etag,
      vary: 'accept-encoding',
    });
    if (headers.get('if-none-match') === file.etag)
      return new Response(null, { status: 304, headers: answer });
    if (zipped) answer.set('content-encoding', 'gzip');
    return new Response(zipped ? file.gzip : file.body, { headers: answer });
  };
}

function read(folder: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const path of filesIn(folder).slice(0, FILES_MAX)) {
    const type = types[extname(path)];
    if (type === undefined) continue;
    const body = readFileSync(path);
    if (body.byteLength > FILE_BYTES_MAX) continue;
    const name = `/${relative(folder, path).split(sep).join('/')}`;
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22);
    files.set(name, {
      body,
      gzip: gzipSync(body),
      type,
      etag: `W/"${hash}"`,
      // Vite puts a hash of the content into the names below assets/.
      cache: name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
  }
  return files;
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
