import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';

const UNTIL_MS = 30_000;

async function until(what: string, found: () => boolean): Promise<void> {
  const end = performance.now() + UNTIL_MS;
  while (!found()) {
    assert.ok(performance.now() < end, `${what} in time`);
    await once(AbortSignal.timeout(20), 'abort');
  }
}

test('a task goes on through the proxy after the daemon was killed, and its requests stay counted', {
  timeout: 120_000,
}, async (t) => {
  const scratch = scratchState(t);
  const { dir, state } = scratch;
  const origin = createServer((_, response) => response.end('hello'));
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  t.after(() => origin.close());
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
  const site = 'network: {allowed_hosts: ["127.0.0.1"]}';
  process.env['BERTH_SITE'] = scratch.write('site.yaml', site);
  t.after(() => {
    delete process.env['BERTH_SITE'];
  });
  const get = `curl -s -o /dev/null -w '%{http_code}\\n' --noproxy '' ${url}`;
  const script = `${get} >> ${dir}/codes
touch ${dir}/first; until [ -e ${dir}/go ]; do sleep 0.05; done
echo "$HTTPS_PROXY" > ${dir}/proxy
trap 'exit 0' TERM
(trap '' TERM; ${get}; ${get}) >> ${dir}/codes
while :; do sleep 0.1; done`;
  const job = {
    name: 'fetch',
    run: script,
    resources: { cpu: 0.1, memory: '64Mi' },
    network: { max_requests: 2, bandwidth: '10Mbps' },
  };
  let daemon: ChildProcess | undefined = await up(state);
  try {
    const { id } = await berth(state, 'submit', scratch.write('job.json', JSON.stringify(job)));
    await until('its first request', () => existsSync(join(dir, 'first')));
    const counts = join(state, 'requests.json');
    await until('its count is saved', () => existsSync(counts));
    assert.deepEqual(JSON.parse(readFileSync(counts, 'utf8')), { [`${id}.fetch.0.1`]: 1 });
    assert.equal(statSync(join(state, 'proxy.json')).mode & 0o777, 0o600);
    await kill(daemon);
    daemon = await up(state);
    writeFileSync(join(dir, 'go'), '');
    const ended = await berth(state, 'wait', String(id));
    assert.equal(ended.steps[0].attempts[0].cause, 'requests-exceeded');
    assert.deepEqual(readFileSync(join(dir, 'codes'), 'utf8').trim().split('\n'), [
      '200',
      '200',
      '429',
    ]);
    // It has ended, and so has what its token was good for.
    const proxy = readFileSync(join(dir, 'proxy'), 'utf8').trim();
    const late = new URL(proxy);
    const headers = {
      'proxy-authorization': `Basic ${Buffer.from(`${late.username}:${late.password}`).toString('base64')}`,
    };
    const asked = request({
      host: late.hostname,
      port: late.port,
      path: url,
      headers,
      agent: false,
    });
    asked.end();
    const [answer] = await once(asked, 'response');
    assert.equal(answer.statusCode, 407);
    answer.resume();
    const seen = await berth(state, 'network');
    assert.deepEqual(seen['proxy_port'], Number(late.port));
    const tc = ['network', '--tc', 'eth0', '--state', state];
    const script = await runBerth([...tc, '--rate', '1Gbps']);
    assert.match(script.stdout, /classid 1:10 htb rate 500000000bit ceil 1000000000bit/);
    const unknown = await runBerth(tc);
    assert.deepEqual([unknown.code, unknown.stdout], [64, '']);
    assert.match(unknown.stderr, /--rate/);
    const shown = await runBerth(['ps', '--all', '--json', '--state', state]);
    const log = readFileSync(join(state, 'logs', 'daemon.log'), 'utf8');
    for (const text of [shown.stdout, log]) assert.ok(!text.includes(late.password));
  } finally {
    if (daemon !== undefined) await kill(daemon);
  }
});
