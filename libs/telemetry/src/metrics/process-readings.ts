import { monitorEventLoopDelay } from 'node:perf_hooks';
import { observe } from './recording.ts';

/** Of the timer that the lag is measured with. */
const RESOLUTION_MS = 20;

/** Tells of this process at each scrape, until the returned function is called. */
export function watchProcess(): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const startedAt = Date.now() / 1_000 - process.uptime();
  const offs = [
    observe('eventLoopLag', (tell) => {
      for (const quantile of ['0.5', '0.99', '1'] as const) {
        const nanos = quantile === '1' ? delay.max : delay.percentile(Number(quantile) * 100);
        // The monitor counts from the timer's start; what is below its resolution is no lag.
        tell(Math.max(0, nanos / 1e9 - RESOLUTION_MS / 1_000), { quantile });
      }
      delay.reset();
    }),
    observe('cpuSeconds', (tell) => {
      const { user, system } = process.cpuUsage();
      tell(user / 1e6, { mode: 'user' });
      tell(system / 1e6, { mode: 'system' });
    }),
    observe('residentMemory', (tell) => tell(process.memoryUsage.rss(), {})),
    observe('heapUsed', (tell) => tell(process.memoryUsage().heapUsed, {})),
    observe('startTime', (tell) => tell(startedAt, {})),
  ];
  return () => {
    delay.disable();
    for (const off of offs) off();
  };
}
