import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, sourceOf, textOf } from '../../web/src/facts.ts';

const texts: Record<string, { field: string; value: unknown; want: string }> = {
  bytes: { field: 'size_bytes', value: 2 ** 30, want: '1.0 GiB' },
  'link speed': { field: 'speed_bits_per_second', value: 100e9, want: '100 Gbit/s' },
  frequency: { field: 'max_hertz', value: 3_700_000_000, want: '3.7 GHz' },
  temperature: { field: 'current_milli_celsius', value: 43_500, want: '43.5 °C' },
  power: { field: 'draw_milliwatts', value: 71_000, want: '71 W' },
  'basis points': { field: 'compute_bp', value: 9_900, want: '99%' },
  zero: { field: 'total_bytes', value: 0, want: '0 B' },
  unknown: { field: 'model', value: null, want: '—' },
  missing: { field: 'model', value: undefined, want: '—' },
  yes: { field: 'removable', value: false, want: 'no' },
  'a list': { field: 'addresses', value: ['a', 'b'], want: 'a, b' },
  'an empty list': { field: 'addresses', value: [], want: 'none' },
};
for (const [name, { field, value, want }] of Object.entries(texts)) {
  test(`text of ${name}`, () => assert.equal(textOf(field, value), want));
}

const disk = {
  name: 'sda',
  model: null,
  serial: 'X1',
  bond: null,
  source: 'kernel',
  sources: { serial: 'firmware' },
  unknown: { model: 'denied', bond: 'absent' },
};

test('each field says where it is from, or why it is not known', () => {
  assert.deepEqual(factsOf(disk), [
    { name: 'name', text: 'sda', source: 'kernel' },
    { name: 'model', text: '—', source: 'not permitted' },
    { name: 'serial', text: 'X1', source: 'firmware' },
    { name: 'bond', text: 'none', source: 'absent' },
  ]);
});

test('the device that a file system is mounted from is not taken for a source', () => {
  assert.equal(sourceOf({ type: 'ext4', source: '/dev/vda1' }, 'type'), '');
});

test('objects inside carry their name in front, lists of objects are left out', () => {
  const item = { pcie: { lanes: 16, source: 'driver' }, mig: [{ id: 'a' }] };
  assert.deepEqual(factsOf(item), [{ name: 'PCIE lanes', text: '16', source: 'driver' }]);
});
