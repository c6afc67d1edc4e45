import type { MetricDeclaration } from '../declaration.ts';

/** What every process of ours tells of itself; `process_*` are the names that Prometheus boards expect. */
export const running = {
  busConnected: {
    name: 'skein_bus_connected',
    kind: 'gauge',
    unit: '1',
    by: 'both',
    labels: {},
    meaning: '1 while the connection to NATS stands.',
    alert: '0 for 1 m.',
  },
  eventLoopLag: {
    name: 'skein_event_loop_lag_seconds',
    kind: 'gauge',
    unit: 'seconds',
    by: 'both',
    labels: { quantile: ['0.5', '0.99', '1'] },
    meaning: 'By how much timers came late since the last scrape.',
    alert: 'Quantile 0.99 above 0.5 s for 5 m: the process is overloaded, heartbeats come late.',
  },
  cpuSeconds: {
    name: 'process_cpu_seconds_total',
    kind: 'total',
    unit: 'seconds',
    by: 'both',
    labels: { mode: ['user', 'system'] },
    meaning: 'Processor time of the process, without that of the programs that it runs.',
    alert: '',
  },
  residentMemory: {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    unit: 'bytes',
    by: 'both',
    labels: {},
    meaning: 'Resident memory of the process.',
    alert: 'It grows for hours under the same load.',
  },
  heapUsed: {
    name: 'nodejs_heap_size_used_bytes',
    kind: 'gauge',
    unit: 'bytes',
    by: 'both',
    labels: {},
    meaning: 'Memory that JavaScript objects use.',
    alert: '',
  },
  startTime: {
    name: 'process_start_time_seconds',
    kind: 'gauge',
    unit: 'seconds',
    by: 'both',
    labels: {},
    meaning: 'When the process began, as a Unix time.',
    alert: 'It changes more than 3 times in 15 m: the process crashes again and again.',
  },
} as const satisfies Record<string, MetricDeclaration>;
