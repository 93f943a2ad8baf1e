import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';
import { pythonBlocks, whereSeed } from './seed-blocks.ts';

const client = join(import.meta.dirname, '../../clients/python');
const version = spawnSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 9))']);
const noPython = String(version.stdout).trim() === 'True' ? false : 'there is no Python 3.9';
const where = { ...whereSeed, skip: whereSeed.skip || noPython } as const;

/** The block with another import and nothing else changed. */
function example(of: 'ResourcePool' | 'ResourceAnalytics'): string {
  const block = pythonBlocks!.find(({ text }) => text.includes(`import ${of}\n`))!;
  const changed = block.text.replace('from orchestrator.resources import', 'from berth import');
  assert.notEqual(changed, block.text);
  return changed;
}

async function python(
  scratch: Scratch,
  program: string,
): Promise<{ code: number; out: string; error: string }> {
  const child = spawn('python3', ['-W', 'error', scratch.write('example.py', program)], {
    env: {
      PATH: process.env['PATH'],
      PYTHONPATH: client,
      PYTHONDONTWRITEBYTECODE: '1',
      BERTH_STATE: scratch.state,
    },
    timeout: 60_000,
  });
  let [out, error] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text;
  });
  const [code] = await once(child, 'close');
  return { code, out, error };
}

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');

test(
  '`ResourcePool`: the 20 GiB that the example asks for are on its A100, and are given back',
  where,
  async (t) => {
    const scratch = scratchState(t);
    const up = await runBerth(['up', '-d', '--port', '0', '--state', scratch.state]);
    assert.equal(up.code, 0, up.stderr);
    // `await` stands at the top of the example, as in a notebook: here it is the body of a coroutine.
    const program = `import asyncio, json

async def run_model(gpu):
    return {"id": gpu.id, "memory": gpu.memory, "visible": gpu.env["CUDA_VISIBLE_DEVICES"]}

async def main():
${indented(example('ResourcePool'))}
    print(json.dumps(result))

asyncio.run(main())
`;
    const { code, out, error } = await python(scratch, program);
    assert.equal(code, 0, error);
    assert.deepEqual(JSON.parse(out), { id: 'gpu-2', memory: 40 * 1024 ** 3, visible: 'gpu-2' });
    const { leases } = await berth(scratch.state, 'pool');
    assert.deepEqual(leases, []);
  },
);

test(
  '`ResourceAnalytics`: the report has what ran, and each suggestion its saving',
  where,
  async (t) => {
    const scratch = scratchState(t);
    const prices = scratch.write(
      'prices.yaml',
      'prices:\n  - valid_from: 2026-01-01\n    cpu_hour: 3600\n    memory_gib_hour: 3600\n',
    );
    const up = ['up', '-d', '--port', '0', '--prices', prices, '--state', scratch.state];
    const started = await runBerth(up);
    assert.equal(started.code, 0, started.stderr);
    const job = scratch.write(
      'job.yaml',
      'name: greedy\nrun: sleep 1.2\ncount: 4\nresources: {cpu: 0.5, memory: 1Gi}\n',
    );
    assert.equal((await runBerth(['run', job, '--state', scratch.state])).code, 0);
    const program = `${example('ResourceAnalytics')}
print("===")
import json
print(json.dumps([dict(row.group, attempts=row.attempts, cost=row.cost) for row in report]))
print(json.dumps([rec.description for rec in recommendations]))
`;
    const { code, out, error } = await python(scratch, program);
    assert.equal(code, 0, error);
    const [said, report, recommendations] = split(out);
    assert.equal(report.length, 1);
    const [row] = report;
    assert.deepEqual(
      [row.pipeline, Object.keys(row).sort(), row.attempts],
      ['greedy', ['attempts', 'cost', 'model', 'pipeline', 'user'], 4],
    );
    // Four tasks of 1.2 s and more, each at a dollar and a half a second.
    assert.ok(row.cost >= 7.2 && row.cost < 180, String(row.cost));
    assert.ok(recommendations.length > 0);
    for (const description of recommendations) assert.ok(said.includes(`- ${description}\n`), said);
    const savings = [...said.matchAll(/^ {2}Potential savings: \$([0-9.]+)\/month$/gm)];
    assert.equal(savings.length, recommendations.length, said);
    // Memory that was asked for and not used, by what it costs in the week that was looked at.
    assert.ok(
      savings.some(([, dollars]) => Number(dollars) > 0),
      said,
    );
  },
);

// biome-ignore lint/suspicious/noExplicitAny: what the example printed; the assertions are about its shape.
function split(out: string): [string, any, any] {
  const [said, rest] = out.split('===\n');
  const [report, recommendations] = rest!.trim().split('\n');
  return [said!, JSON.parse(report!), JSON.parse(recommendations!)];
}
