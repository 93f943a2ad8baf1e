/** A name of the semantic conventions of OpenTelemetry for system and hardware metrics. */
interface SemanticName {
  readonly name: string;
  readonly unit: string;
  readonly isUpDown?: boolean;
  /** What labels are called there; others keep their names. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What the name of the family says, and there an attribute does. */
  readonly with?: Readonly<Record<string, string>>;
}

const memory = (name: string, state?: string): SemanticName => ({
  name,
  unit: 'By',
  isUpDown: true,
  ...(state !== undefined && { with: { 'system.memory.state': state } }),
});

const disk = (name: string, unit: string, direction?: string): SemanticName => ({
  name,
  unit,
  labels: { device: 'system.device' },
  ...(direction !== undefined && { with: { 'disk.io.direction': direction } }),
});

const link = (name: string, unit: string, direction: string): SemanticName => ({
  name,
  unit,
  labels: { device: 'network.interface.name' },
  with: { 'network.io.direction': direction },
});

const gpu = (name: string, unit: string, isUpDown = false): SemanticName => ({
  name,
  unit,
  ...(isUpDown && { isUpDown }),
  labels: { gpu: 'hw.id', index: 'hw.index' },
  with: { 'hw.type': 'gpu' },
});

/** Only where they mean the same thing; two families may be parts of one of theirs. */
export const semanticNames: Readonly<Record<string, SemanticName>> = {
  berth_node_cpu_seconds_total: {
    name: 'system.cpu.time',
    unit: 's',
    labels: { cpu: 'cpu.logical_number', mode: 'cpu.mode' },
  },
  berth_node_cpu_frequency_hertz: {
    name: 'system.cpu.frequency',
    unit: 'Hz',
    labels: { cpu: 'cpu.logical_number' },
  },
  berth_node_memory_total_bytes: memory('system.memory.limit'),
  berth_node_memory_used_bytes: memory('system.memory.usage', 'used'),
  berth_node_memory_cached_bytes: memory('system.memory.usage', 'cached'),
  berth_node_memory_available_bytes: memory('system.linux.memory.available'),
  berth_node_swap_used_bytes: {
    name: 'system.paging.usage',
    unit: 'By',
    isUpDown: true,
    with: { 'system.paging.state': 'used' },
  },
  berth_node_major_faults_total: {
    name: 'system.paging.faults',
    unit: '{fault}',
    with: { 'system.paging.type': 'major' },
  },
  berth_node_disk_read_bytes_total: disk('system.disk.io', 'By', 'read'),
  berth_node_disk_written_bytes_total: disk('system.disk.io', 'By', 'write'),
  berth_node_disk_reads_total: disk('system.disk.operations', '{operation}', 'read'),
  berth_node_disk_writes_total: disk('system.disk.operations', '{operation}', 'write'),
  berth_node_disk_read_time_seconds_total: disk('system.disk.operation_time', 's', 'read'),
  berth_node_disk_write_time_seconds_total: disk('system.disk.operation_time', 's', 'write'),
  berth_node_disk_busy_seconds_total: disk('system.disk.io_time', 's'),
  berth_node_network_received_bytes_total: link('system.network.io', 'By', 'receive'),
  berth_node_network_sent_bytes_total: link('system.network.io', 'By', 'transmit'),
  berth_node_network_received_packets_total: link(
    'system.network.packet.count',
    '{packet}',
    'receive',
  ),
  berth_node_network_sent_packets_total: link(
    'system.network.packet.count',
    '{packet}',
    'transmit',
  ),
  berth_node_filesystem_size_bytes: {
    name: 'system.filesystem.limit',
    unit: 'By',
    isUpDown: true,
    labels: { mount: 'system.filesystem.mountpoint' },
  },
  berth_node_filesystem_available_bytes: {
    name: 'system.filesystem.usage',
    unit: 'By',
    isUpDown: true,
    labels: { mount: 'system.filesystem.mountpoint' },
    with: { 'system.filesystem.state': 'free' },
  },
  berth_gpu_busy_ratio: gpu('hw.gpu.utilization', '1'),
  berth_gpu_memory_used_bytes: gpu('hw.gpu.memory.usage', 'By', true),
  berth_gpu_memory_total_bytes: gpu('hw.gpu.memory.limit', 'By', true),
  berth_gpu_temperature_celsius: gpu('hw.temperature', 'Cel'),
  berth_gpu_power_watts: gpu('hw.power', 'W'),
  berth_gpu_energy_joules_total: gpu('hw.energy', 'J'),
};
