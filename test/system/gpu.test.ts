import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { workloadSchema } from '../../src/api/contract/documents.ts';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const query = ['--query-gpu=uuid,memory.total', '--format=csv,noheader,nounits'];
const answer = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
const gpus = answer.status === 0 ? answer.stdout.trim().split('\n') : [];
const missing = gpus.length > 0 ? false : 'needs a GPU of NVIDIA';
const options = { skip: skipSystem === false ? missing : skipSystem, timeout: 300_000 };

/** Through the driver itself, so that it needs no framework: takes `argv[1]` MiB, and holds them for `argv[2]` s. */
const program = `
import ctypes, sys, time
cuda = ctypes.CDLL("libcuda.so.1")
if cuda.cuInit(0) != 0: print("no device"); sys.exit(0)
count = ctypes.c_int()
assert cuda.cuDeviceGetCount(ctypes.byref(count)) == 0
uuid = (ctypes.c_ubyte * 16)()
assert cuda.cuDeviceGetUuid(uuid, 0) == 0
h = bytes(uuid).hex()
print("devices", count.value, "GPU-" + "-".join([h[:8], h[8:12], h[12:16], h[16:20], h[20:]]), flush=True)
context, memory = ctypes.c_void_p(), ctypes.c_uint64()
assert cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0) == 0
assert cuda.cuCtxSetCurrent(context) == 0
size = ctypes.c_size_t(int(sys.argv[1]) << 20)
if size.value: assert cuda.cuMemAlloc_v2(ctypes.byref(memory), size) == 0
print("holds", sys.argv[1], flush=True)
time.sleep(float(sys.argv[2]))
`;

test(
  'a real GPU is known, given, hidden from others, and a share of its memory is held to',
  options,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    const daemon = await up(state);
    t.after(() => kill(daemon));
    const [uuid = '', mebibytes = ''] = gpus[0]!.split(', ');

    const submit = async (name: string, gpu: number, args: string): Promise<string> => {
      const run = `exec python3 -c '${program}' ${args}`;
      const document = { name, run, resources: { cpu: 1, memory: '4Gi', ...(gpu > 0 && { gpu }) } };
      const file = scratch.write(`${name}.json`, JSON.stringify(document));
      return String((await berth(state, 'submit', file)).id);
    };
    const ended = async (id: string) => {
      const waited = await runBerth(['wait', id, '--state', state]);
      const { url } = JSON.parse(readFileSync(join(state, 'daemon.json'), 'utf8'));
      const authorization = `Bearer ${readFileSync(join(state, 'token'), 'utf8').trim()}`;
      const got = await fetch(`${url}/api/v1/workloads/${id}`, { headers: { authorization } });
      const [attempt] = workloadSchema.parse(await got.json()).steps[0]!.attempts;
      const { stdout: log } = await runBerth(['logs', id, '--state', state]);
      t.diagnostic(`${waited.stdout.trim()} | ${log.trim()} | ${JSON.stringify(attempt)}`);
      return { attempt: attempt!, log };
    };

    const whole = await ended(await submit('whole', 1, '1000 0'));
    assert.match(whole.log, new RegExp(`devices 1 ${uuid}\\nholds 1000`));
    const none = await ended(await submit('none', 0, '0 0'));
    assert.match(none.log, /no device/);

    // Two halves at once; one of them takes three quarters.
    const modest = await submit('modest', 0.5, '2000 30');
    const greedy = await submit('greedy', 0.5, `${Math.floor(Number(mebibytes) * 0.75)} 120`);
    const [of, over] = [await ended(modest), await ended(greedy)];
    assert.equal(of.attempt.cause, 'succeeded');
    assert.equal(over.attempt.node, of.attempt.node);
    assert.equal(over.attempt.cause, 'overused');
    const log = readFileSync(join(state, 'logs', 'daemon.log'), 'utf8');
    assert.match(log, new RegExp(`is stopped: gpu-memory: it used \\d+ MiB of ${uuid}`));
  },
);
