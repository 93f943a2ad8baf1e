import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseRedfishPower,
  parseRedfishSupply,
  parseRedfishThermal,
} from '../../src/inventory/parsers/redfish.ts';
import { meanMicrowatts, powerProbe } from '../../src/inventory/probes/power.ts';
import { thermalProbe } from '../../src/inventory/probes/thermal.ts';
import { type HostContent, memoryHost } from './memory-host.ts';
import { noRecordings, recorded, value } from './recorded.ts';
import { unpackTtar } from './ttar.ts';

const no = 'not-reported';

async function power(content: HostContent) {
  const outcome = await powerProbe.read(memoryHost(content));
  assert.equal(outcome.kind, 'found');
  return outcome.kind === 'found' ? outcome.value : assert.fail();
}

test('recorded RAPL zones, also of the tenth package', { skip: noRecordings }, async () => {
  const { zones } = await power(unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/'));
  assert.deepEqual(
    zones.map((z) => [z.id, value(z.name), z.parent, value(z.enabled), value(z.energyMicrojoules)]),
    [
      ['intel-rapl:0', 'package-0', undefined, true, 240_422_366_267],
      ['intel-rapl:0:0', 'core', 'intel-rapl:0', false, 118_821_284_256],
      ['intel-rapl:a', 'package-10', undefined, true, 240_422_366_267],
    ],
  );
  const [long, short] = zones[0]!.constraints;
  assert.deepEqual(
    [value(long!.name), value(long!.limitMicrowatts), value(long!.maximumMicrowatts)],
    ['long_term', 4_090_000_000, 95_000_000],
  );
  // The firmware wrote zero, which is no maximum.
  assert.equal(value(short!.maximumMicrowatts), no);
  assert.equal(value(zones[1]!.constraints[0]!.maximumMicrowatts), no);
});

test('recorded mains and battery, with a name that is no UTF-8', {
  skip: noRecordings,
}, async () => {
  const { supplies } = await power(unpackTtar(recorded('node_exporter/sys.ttar'), ''));
  const [mains, battery] = supplies;
  assert.deepEqual([value(mains!.type), value(mains!.online)], ['Mains', false]);
  assert.deepEqual(
    [
      value(battery!.type),
      value(battery!.status),
      value(battery!.chargeBp),
      value(battery!.powerMicrowatts),
      value(battery!.energyFullMicrowattHours),
      value(battery!.voltageMicrovolts),
      value(battery!.manufacturer),
    ],
    ['Battery', 'Discharging', 8100, 5_002_000, 45_070_000, 11_660_000, 'LGC'],
  );
});

test('energy that only root may read is denied, not zero', async () => {
  const at = '/sys/class/powercap/intel-rapl:0';
  const outcome = await powerProbe.read(
    memoryHost({
      files: { [`${at}/name`]: 'package-0', [`${at}/energy_uj`]: '1' },
      broken: { [`${at}/energy_uj`]: 'denied' },
    }),
  );
  assert.equal(outcome.kind, 'found');
  if (outcome.kind !== 'found') return;
  assert.equal(value(outcome.value.zones[0]!.energyMicrojoules), 'denied');
  assert.equal(outcome.problems.length, 1);
});

test('a host without any of it says so', async () => {
  assert.deepEqual(await powerProbe.read(memoryHost({})), { kind: 'absent' });
  assert.deepEqual(await thermalProbe.read(memoryHost({})), { kind: 'absent' });
});

const energies: Record<
  string,
  { args: Parameters<typeof meanMicrowatts>; want: number | undefined }
> = {
  'ten joules in two seconds': { args: [0, 10_000_000, 1e9, 2000], want: 5_000_000 },
  'over the end of the counter': { args: [990, 10, 1000, 1000], want: 20 },
  'back without a known range': { args: [990, 10, undefined, 1000], want: undefined },
  'a reading beyond the range': { args: [2000, 10, 1000, 1000], want: undefined },
  'no time': { args: [0, 1, 1000, 0], want: undefined },
};
for (const [name, tc] of Object.entries(energies)) {
  test(`mean power: ${name}`, () => assert.equal(meanMicrowatts(...tc.args), tc.want));
}

async function thermal(content: HostContent) {
  const outcome = await thermalProbe.read(memoryHost(content));
  assert.equal(outcome.kind, 'found');
  return outcome.kind === 'found' ? outcome.value : assert.fail();
}

test('recorded sensor chips', { skip: noRecordings }, async () => {
  const { chips, zones, cooling } = await thermal(
    unpackTtar(recorded('node_exporter/sys.ttar'), ''),
  );
  const chip = (id: string) => chips.find((c) => c.id === id)!;
  assert.deepEqual(
    [value(chip('hwmon0').name), value(chip('hwmon0').device)],
    ['coretemp', 'coretemp.0'],
  );
  assert.deepEqual(
    chip('hwmon0').sensors.map((s) => [
      s.channel,
      value(s.label),
      value(s.value),
      value(s.critical),
    ]),
    [
      ['temp1', 'Physical id 0', 55_000, 100_000],
      ['temp2', 'Core 0', 54_000, 100_000],
      ['temp3', 'Core 1', 52_000, 100_000],
      ['temp4', 'Core 2', 53_000, 100_000],
      ['temp5', 'Core 3', 50_000, 100_000],
    ],
  );
  // applesmc keeps its channels in the folder of the device.
  assert.deepEqual(
    chip('hwmon2')
      .sensors.filter((s) => s.kind === 'fan')
      .map((s) => [s.channel, value(s.value)]),
    [
      ['fan1', 0],
      ['fan2', 1998],
    ],
  );
  const nct = chips.find((c) => value(c.name) === 'nct6779')!;
  const of = (channel: string) => value(nct.sensors.find((s) => s.channel === channel)!.value);
  assert.deepEqual([of('fan2'), of('in0'), of('in1')], [1098, 792, 1024]);
  assert.equal(
    chips.some((c) => c.id === 'hwmon5'),
    false,
  );
  assert.deepEqual(
    zones.map((z) => [z.id, value(z.type), value(z.milliCelsius)]),
    [['thermal_zone0', 'cpu-thermal', 12_376]],
  );
  assert.deepEqual(
    cooling.map((c) => [value(c.type), value(c.state), value(c.maximum)]),
    [['Processor', 0, 3]],
  );
});

test('zones below zero, and cooling that is not told', { skip: noRecordings }, async () => {
  const { zones, cooling } = await thermal(
    unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/'),
  );
  assert.deepEqual(
    zones.map((z) => [value(z.type), value(z.milliCelsius)]),
    [
      ['bcm2835_thermal', 49_925],
      ['acpitz', -44_000],
    ],
  );
  assert.deepEqual(
    cooling.map((c) => value(c.state)),
    [0, no, no],
  );
});

test('Redfish power of two makers', { skip: noRecordings }, () => {
  const dell = parseRedfishPower(recorded('misc/redfish/testdata/dell/dell_power.json'))!;
  assert.deepEqual(
    [
      dell.consumedMilliwatts,
      dell.averageMilliwatts,
      dell.capacityMilliwatts,
      dell.limitMilliwatts,
    ].map(value),
    [429_000, 426_000, 1_628_000, 348_000],
  );
  assert.deepEqual(
    dell.supplies.map((s) => [
      value(s.name),
      value(s.capacityMilliwatts),
      value(s.outputMilliwatts),
      value(s.inputMillivolts),
    ])[0],
    ['PS1 Status', 750_000, 203_000, 206_000],
  );
  const hp = parseRedfishPower(recorded('misc/redfish/testdata/hp/hp_power.json'))!;
  assert.deepEqual([hp.consumedMilliwatts, hp.capacityMilliwatts, hp.limitMilliwatts].map(value), [
    221_000,
    1_600_000,
    no,
  ]);
  assert.deepEqual(
    hp.supplies.map((s) => [value(s.outputMilliwatts), value(s.health)]),
    [
      [0, 'OK'],
      [90_000, 'OK'],
    ],
  );
  for (const bad of [
    'dell/dell_powerinvalid.json',
    'hp/hp_powerinvalid.json',
    'hp/hp_systems.json',
  ]) {
    assert.equal(parseRedfishPower(recorded(`misc/redfish/testdata/${bad}`)), undefined, bad);
  }
});

test('Redfish power subsystem and its supply', { skip: noRecordings }, () => {
  const at = 'misc/redfish/testdata/hp/power_subsys/hp_power_subsys';
  assert.equal(value(parseRedfishPower(recorded(`${at}.json`))!.capacityMilliwatts), 2_000_000);
  const supply = parseRedfishSupply(recorded(`${at}_psu_1.json`), recorded(`${at}_metrics.json`))!;
  assert.deepEqual(
    [
      supply.name,
      supply.capacityMilliwatts,
      supply.inputMilliwatts,
      supply.inputMillivolts,
      supply.health,
    ].map((found) => (found.known ? found.value : found.reason)),
    ['Power Supply Bay 1', 400_000, 937_400, 230_200, 'Warning'],
  );
  assert.equal(
    value(parseRedfishSupply(recorded(`${at}_psu_1.json`), undefined)!.inputMilliwatts),
    no,
  );
});

test('Redfish temperatures and fans', { skip: noRecordings }, () => {
  const dell = parseRedfishThermal(recorded('misc/redfish/testdata/dell/dell_thermal.json'))!;
  assert.deepEqual(
    [value(dell.fans[0]!.name), value(dell.fans[0]!.perMinute), value(dell.fans[0]!.speedBp)],
    ['System Board Fan1A', 17_760, no],
  );
  const hp = parseRedfishThermal(recorded('misc/redfish/testdata/hp/hp_thermal.json'))!;
  assert.deepEqual(
    [value(hp.fans[0]!.name), value(hp.fans[0]!.perMinute), value(hp.fans[0]!.speedBp)],
    ['Fan 1', no, 2300],
  );
  const old = parseRedfishThermal(recorded('misc/redfish/testdata/hp/hp_thermal_ilo4.json'))!;
  assert.equal(value(old.fans[0]!.speedBp), 1700);
});
