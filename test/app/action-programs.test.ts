import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { actionPrograms } from '../../src/app/action-programs.ts';
import { foundLinks } from '../../src/app/actions/found-links.ts';
import { parseRobots } from '../../src/app/actions/robots.ts';
import type { Program } from '../../src/model/workload.ts';
import { programArguments, readProgramArguments } from '../../src/spec/actions/define-action.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';

const TEST_MS = 60_000;
const dir = mkdtempSync(join(tmpdir(), 'berth-actions-'));
after(() => rmSync(dir, { recursive: true, force: true }));

interface Ran {
  readonly code: number | null;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly stderr: string;
}

let runs = 0;

/** Runs the action of a job document as the daemon would start it. */
async function ran(text: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const parsed = parseDocument(text, { fileName: 'job.yaml', programs: actionPrograms });
  assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  const [step] = parsed.spec.steps;
  const { argv } = step!.run as Extract<Program, { kind: 'argv' }>;
  const output = join(dir, `outputs-${runs++}`);
  const child = spawn(argv[0]!, argv.slice(1), {
    cwd: dir,
    timeout: TEST_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      BERTH_NODE: process.execPath,
      BERTH_OUTPUT: output,
      NODE_NO_WARNINGS: '1',
      ...step!.env,
      ...env,
    },
  });
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, outputs: outputsOf(output), stderr };
}

function outputsOf(file: string): Record<string, unknown> {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.indexOf('=');
      return [line.slice(0, end), JSON.parse(line.slice(end + 1))];
    }),
  );
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;
const handlers = new Map<string, Handler>();
const asked: string[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => {
    body += piece;
  });
  request.on('end', () => {
    // A proxy is asked for the whole address.
    const { pathname } = new URL(request.url!, 'http://x');
    asked.push(`${request.method} ${request.url}`);
    const handler = handlers.get(pathname);
    if (handler === undefined) response.writeHead(404).end('nothing here');
    else handler(request, response, body);
  });
});
let origin = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  origin = `http://127.0.0.1:${address.port}`;
});
after(() => server.close());

describe('work', { timeout: TEST_MS }, () => {
  test('simple_process counts a text, or a file, or nothing', async () => {
    writeFileSync(join(dir, 'in.txt'), 'one two\nthree');
    const text = await ran('action: simple_process\nwith: {text: "a=b  c\\n"}\n');
    const file = await ran('action: simple_process\nwith: {file: in.txt}\n');
    const none = await ran('action: simple_process\n');
    const counted = [text, file, none].map(({ outputs: { lines, words, bytes } }) => [
      lines,
      words,
      bytes,
    ]);
    assert.deepEqual(counted, [
      [1, 2, 7],
      [1, 3, 13],
      [0, 0, 0],
    ]);
    assert.equal(
      none.outputs['sha256'],
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  test('complex_analysis describes numbers of a document and of a column', async () => {
    const { outputs } = await ran('action: complex_analysis\nwith: {values: [4, 1, 3, 2, 10]}\n');
    const { count, mean, median, min, max, p95, mean_low, mean_high } = outputs;
    assert.deepEqual([count, mean, median, min, max], [5, 4, 3, 1, 10]);
    assert.ok(Math.abs(Number(p95) - 8.8) < 1e-9);
    assert.ok(Number(mean_low) < 4 && Number(mean_high) > 4);
    writeFileSync(join(dir, 'n.csv'), 'day,cost\n1,2.5\n2,3.5\n');
    const file = await ran('action: complex_analysis\nwith: {file: n.csv, column: cost}\n');
    assert.deepEqual([file.outputs['count'], file.outputs['mean']], [2, 3]);
    const again = await ran('action: complex_analysis\nwith: {seed: 7}\n');
    assert.deepEqual(
      again.outputs,
      (await ran('action: complex_analysis\nwith: {seed: 7}\n')).outputs,
    );
    assert.equal(again.outputs['count'], 1000);
  });

  test('complex_analysis says which row has no number', async () => {
    writeFileSync(join(dir, 'bad.csv'), '1\n2\nx\n');
    const { code, stderr } = await ran('action: complex_analysis\nwith: {file: bad.csv}\n');
    assert.deepEqual([code, stderr], [1, 'row 3 of the file has no number in column 0\n']);
  });

  test('the parts of process_data_shard are all lines, each once', async () => {
    const lines = Array.from({ length: 10 }, (_, i) => `line ${i}`);
    writeFileSync(join(dir, 'data'), `${lines.join('\n')}\n`);
    const found: string[] = [];
    for (const task of ['0', '1', '2']) {
      const { outputs } = await ran(
        'action: process_data_shard\nwith: {file: data, output: part}\n',
        { BERTH_TASK_INDEX: task, BERTH_TASK_COUNT: '3' },
      );
      const part = readFileSync(join(dir, 'part'), 'utf8').trimEnd().split('\n');
      assert.equal(outputs['lines'], part.length);
      found.push(...part);
    }
    assert.deepEqual(found.sort(), lines.sort());
  });

  test('process_data_shard without a file has nothing to do; one that is not there is a failure', async () => {
    assert.equal((await ran('action: process_data_shard\n')).outputs['lines'], 0);
    const { code, stderr } = await ran('action: process_data_shard\nwith: {file: nowhere}\n');
    assert.equal(code, 1);
    assert.match(stderr, /^nowhere cannot be processed: ENOENT/);
  });
});

describe('the web', { timeout: TEST_MS }, () => {
  test('http sends JSON and gives what was answered', async () => {
    handlers.set('/echo', (request, response, body) => {
      const type = request.headers['content-type'];
      response.end(JSON.stringify({ type, body, mine: request.headers['x-mine'] }));
    });
    const { outputs } = await ran(
      `action: http\nwith: {url: "${origin}/echo", json: {a: [1, "2"]}, headers: {x-mine: 3}, output: answer}\n`,
    );
    // A number in JSON of any form is text on its way: what is to be a number is written in `body`.
    assert.equal(outputs['status'], 200);
    const body = outputs['body'] as Record<string, unknown>;
    assert.equal(body['type'], 'application/json');
    assert.equal(body['mine'], '3');
    assert.match(readFileSync(join(dir, 'answer'), 'utf8'), /application\/json/);
  });

  test('http: another status is a failure, unless it is expected', async () => {
    const failed = await ran(`action: http\nwith: {url: "${origin}/none"}\n`);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /GET http:\S+\/none: 404\nnothing here/);
    const fine = await ran(`action: http\nwith: {url: "${origin}/none", expect: [404]}\n`);
    assert.deepEqual([fine.code, fine.outputs['status']], [0, 404]);
  });

  test('http: nobody there, and nobody who answers in time', async () => {
    handlers.set('/slow', () => undefined);
    const late = await ran(`action: http\nwith: {url: "${origin}/slow", timeout: 0.2}\n`);
    assert.match(late.stderr, /could not be asked: no answer within 200 ms/);
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const address = closed.address();
    assert.ok(typeof address === 'object' && address !== null);
    await new Promise((resolve) => closed.close(resolve));
    const nobody = await ran(`action: http\nwith: {url: "http://127.0.0.1:${address.port}/"}\n`);
    assert.match(nobody.stderr, /127.0.0.1:\d+ could not be asked: connect ECONNREFUSED/);
  });

  test('search_web takes the links of JSON and of HTML, no more than asked for', async () => {
    handlers.set('/api', (_, response) => {
      const results = Array.from({ length: 9 }, (_, i) => ({ title: `T${i}`, url: `/r/${i}` }));
      response.end(JSON.stringify({ results }));
    });
    handlers.set('/page', (_, response) => {
      response.end(
        '<a class=x href="https://a.example/1?x=1&amp;y=2"><b>One</b></a> <a href="#top">up</a>',
      );
    });
    const json = await ran(
      `action: search_web\nwith: {url: "${origin}/api?q={query}", query: "a b&c"}\nresource_limits: {max_results: 3}\n`,
    );
    assert.deepEqual(json.outputs['count'], 3);
    assert.deepEqual((json.outputs['results'] as unknown[])[0], {
      title: 'T0',
      url: `${origin}/r/0`,
    });
    assert.ok(asked.includes('GET /api?q=a%20b%26c'));
    const html = await ran('action: search_web\n', { SEARCH_URL: `${origin}/page` });
    assert.deepEqual(html.outputs['results'], [
      { title: 'One', url: 'https://a.example/1?x=1&y=2' },
    ]);
  });

  test('search_web obeys robots.txt, unless told not to', async () => {
    handlers.set('/robots.txt', (_, response) =>
      response.end('User-agent: *\nDisallow: /closed\n'),
    );
    handlers.set('/closed', (_, response) => response.end('[]'));
    const refused = await ran(`action: search_web\nwith: {url: "${origin}/closed"}\n`);
    assert.match(refused.stderr, /robots.txt of \S+ does not allow \/closed/);
    assert.ok(!asked.includes('GET /closed'));
    const told = await ran(`action: search_web\nwith: {url: "${origin}/closed", robots: false}\n`);
    assert.equal(told.outputs['count'], 0);
    handlers.delete('/robots.txt');
  });

  test('search_web without a search says what is missing', async () => {
    const { code, stderr } = await ran('action: search_web\n');
    assert.equal(code, 1);
    assert.match(stderr, /^there is no search to ask: give `with.url`/);
  });

  test('requests go by the proxy of the environment', async () => {
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end('by the proxy');
    });
    proxy.on('connect', (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.once('data', () => {
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\nby the proxy',
        );
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    assert.ok(typeof address === 'object' && address !== null);
    const url = `http://127.0.0.1:${address.port}`;
    const { outputs, stderr } = await ran(
      'action: http\nwith: {url: "http://nowhere.example/x"}\n',
      {
        http_proxy: url,
        HTTP_PROXY: url,
      },
    );
    proxy.close();
    assert.equal(outputs['body'], 'by the proxy', stderr);
    assert.match(seen.join(), /nowhere\.example/);
  });

  test('analyze_with_ai asks an endpoint of the form of OpenAI', async () => {
    let request: { model: string; max_tokens: number; messages: unknown } | undefined;
    let authorization: string | undefined;
    handlers.set('/v1/chat/completions', (incoming, response, body) => {
      request = JSON.parse(body);
      authorization = incoming.headers.authorization;
      response.end(
        JSON.stringify({
          model: 'small-1',
          choices: [{ message: { content: 'fine' } }],
          usage: { prompt_tokens: 7, completion_tokens: 1 },
        }),
      );
    });
    const { outputs } = await ran(
      'action: analyze_with_ai\nwith: {prompt: "How is it?", system: Be short, model: small}\nresource_limits: {max_tokens: 50}\n',
      { OPENAI_BASE_URL: `${origin}/v1/`, OPENAI_API_KEY: 'k' },
    );
    assert.deepEqual(outputs, {
      text: 'fine',
      model: 'small-1',
      input_tokens: 7,
      output_tokens: 1,
    });
    assert.equal(authorization, 'Bearer k');
    assert.deepEqual([request?.model, request?.max_tokens], ['small', 50]);
  });

  test('analyze_with_ai without an endpoint says that there is no gateway', async () => {
    const { code, stderr } = await ran('action: analyze_with_ai\nwith: {prompt: x}\n');
    assert.equal(code, 1);
    assert.match(stderr, /^no model can be asked: this version of Berth has no model gateway/);
  });

  test('what the model refuses, and what is no answer, are failures', async () => {
    handlers.set('/busy/chat/completions', (_, response) => response.writeHead(429).end('later'));
    handlers.set('/odd/chat/completions', (_, response) => response.end('{}'));
    const busy = await ran(
      `action: analyze_with_ai\nwith: {prompt: x, endpoint: "${origin}/busy"}\n`,
    );
    assert.match(busy.stderr, /^the model answered 429: later/);
    const odd = await ran(
      `action: analyze_with_ai\nwith: {prompt: x, endpoint: "${origin}/odd"}\n`,
    );
    assert.match(odd.stderr, /^the answer is not that of a chat/);
  });
});

describe('arguments on their way to a program', () => {
  const schema = z.strictObject({
    name: z.string(),
    count: z.int().optional(),
    on: z.boolean().optional(),
    list: z.array(z.number()).optional(),
    texts: z.array(z.string()).optional(),
    map: z.record(z.string(), z.string()).optional(),
  });
  test('come back as they were', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            name: fc.string(),
            count: fc.integer(),
            on: fc.boolean(),
            list: fc.array(fc.integer(), { minLength: 1 }),
            texts: fc.array(fc.string(), { minLength: 1 }),
            map: fc.dictionary(
              fc
                .string({ minLength: 1 })
                .filter((key) => !/^\d+$/.test(key) && key !== '__proto__'),
              fc.string(),
              { minKeys: 1, noNullPrototype: true },
            ),
          },
          { requiredKeys: ['name'], noNullPrototype: true },
        ),
        (given) => {
          assert.deepEqual(readProgramArguments(schema, programArguments(given)).data, given);
        },
      ),
      { numRuns: 200 },
    );
  });
  test('text that looks like a number stays text where text is wanted', () => {
    const read = readProgramArguments(schema, ['name=1.10', 'count=3']);
    assert.deepEqual(read.data, { name: '1.10', count: 3 });
  });
  test('what fits no form is told', () => {
    assert.equal(readProgramArguments(schema, ['name=x', 'count=y']).success, false);
    assert.equal(readProgramArguments(schema, ['name=x', 'what=y']).success, false);
    assert.equal(readProgramArguments(schema, ['nothing']).success, false);
  });
});

describe('robots.txt', () => {
  const cases: Record<string, [text: string, path: string, allowed: boolean]> = {
    'nothing said': ['', '/a', true],
    'a folder': ['User-agent: *\nDisallow: /a/', '/a/b', false],
    'beside the folder': ['User-agent: *\nDisallow: /a/', '/ab', true],
    'the longest rule decides': ['User-agent: *\nDisallow: /a\nAllow: /a/b', '/a/b/c', true],
    'of equals, allow': ['User-agent: *\nDisallow: /a\nAllow: /a', '/a', true],
    'our own group goes first': [
      'User-agent: *\nDisallow: /\nUser-agent: Berth\nAllow: /',
      '/a',
      true,
    ],
    'a group of several': ['User-agent: x\nUser-agent: berth\nDisallow: /a', '/a', false],
    'another group only': ['User-agent: x\nDisallow: /', '/a', true],
    'a star': ['User-agent: *\nDisallow: /*.pdf$', '/a/b.pdf', false],
    'a star, and not the end': ['User-agent: *\nDisallow: /*.pdf$', '/a/b.pdf?x', true],
    'an empty rule': ['User-agent: *\nDisallow:', '/a', true],
    'a comment': ['User-agent: * # all\nDisallow: /a # no', '/a', false],
  };
  for (const [name, [text, path, allowed]] of Object.entries(cases)) {
    test(name, () => assert.equal(parseRobots(text).allows(path), allowed));
  }
});

test('links: entries without an address, other schemes and repeats are left out', () => {
  const json = JSON.stringify([
    { title: 'a', link: 'x' },
    { title: 'b' },
    7,
    { href: 'javascript:alert(1)' },
    { name: 'again', url: 'http://h/x#part' },
  ]);
  assert.deepEqual(foundLinks(json, 'http://h/', 10), [{ title: 'a', url: 'http://h/x' }]);
});
