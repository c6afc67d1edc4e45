import { z } from 'zod';
import type { WorkerSignal } from '#contracts';
import type { Bus } from '../connection/bus.ts';

const workerSignal = z.object({
  kind: z.literal('abort'),
  planId: z.string(),
  ordinal: z.int().nonnegative(),
  epoch: z.int().positive(),
  reason: z.string(),
});

/** Best effort: what a worker misses here it learns from its next heartbeat. False when NATS is away. */
export function signalWorker(bus: Bus, worker: string, signal: WorkerSignal): boolean {
  return bus.publish(bus.subjects.worker(worker), signal);
}

/** Returns the unsubscriber. Malformed signals are logged and dropped. */
export function onWorkerSignal(
  bus: Bus,
  worker: string,
  listener: (signal: WorkerSignal) => void,
): () => void {
  const subscription = bus.nc.subscribe(bus.subjects.worker(worker), {
    callback: (error, message) => {
      if (error !== null) return;
      const signal = readSignal(message.string());
      if (signal === null) bus.log.warn({ worker }, 'Dropped a malformed signal');
      else listener(signal);
    },
  });
  return () => subscription.unsubscribe();
}

function readSignal(text: string): WorkerSignal | null {
  try {
    return workerSignal.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
