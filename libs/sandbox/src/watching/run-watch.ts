import type { Logger } from '#telemetry';
import type { OutputPipe } from '../output/output-pipe.ts';
import type { ProcessTree } from '../processes/process-tree.ts';
import type { RunEnd, RunSpec } from '../run-spec.ts';
import type { DiskWatch } from './disk-watch.ts';
import { bytesText, durationText } from './quantities.ts';

/** Why a run is stopped from outside. */
export interface Stop {
  end: Exclude<RunEnd, 'exited' | 'not-started'>;
  message: string;
  /** SIGTERM first. What eats the machine gets no time to clean up. */
  gently: boolean;
}

export interface RunWatchOptions {
  spec: RunSpec;
  tree: ProcessTree;
  pipe: OutputPipe;
  disk: DiskWatch;
  signal: AbortSignal;
  log: Logger;
  pollMs: number;
}

/** Longer timers fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Looks after one run's limits. The first that is broken is the reason; later ones are its consequences. */
export class RunWatch {
  readonly stopped: Promise<Stop>;
  private stop!: (stop: Stop) => void;
  private readonly startedAt = performance.now();
  private readonly timers: NodeJS.Timeout[] = [];
  private looking = false;
  private readonly onAbort = () => this.stop(abortedBy(this.options.signal));

  constructor(private readonly options: RunWatchOptions) {
    this.stopped = new Promise((resolve) => (this.stop = resolve));
    this.timers.push(setInterval(() => void this.look(), options.pollMs));
    // The look in between would find it too, but later.
    const { wallMs } = options.spec.limits;
    if (wallMs <= TIMER_MS_MAX) this.timers.push(setTimeout(() => this.stop(this.wallStop()), wallMs));
    options.signal.addEventListener('abort', this.onAbort, { once: true });
    if (options.signal.aborted) this.onAbort();
    void this.look();
  }

  outputLimitReached(): void {
    this.stop(this.outputStop());
  }

  /** A last look, when the program has ended: at what it printed and wrote between two looks. */
  async finalStop(): Promise<Stop | null> {
    if (this.options.pipe.overLimit) return this.outputStop();
    return (await this.options.disk.exceeded(true)) ? this.diskStop() : null;
  }

  close(): void {
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    this.options.signal.removeEventListener('abort', this.onAbort);
  }

  private async look(): Promise<void> {
    const stop = this.clocksStop();
    if (stop !== null) this.stop(stop);
    if (this.looking) return;
    this.looking = true;
    try {
      const broken =
        (await this.processesStop()) ?? ((await this.options.disk.exceeded()) ? this.diskStop() : null);
      if (broken !== null) this.stop(broken);
    } catch (error) {
      // Out of descriptors, for one: the next look may do better, and the clocks go on.
      this.options.log.warn({ err: error }, 'a run could not be looked at');
    } finally {
      this.looking = false;
    }
  }

  private clocksStop(): Stop | null {
    const { wallMs, idleMs } = this.options.spec.limits;
    if (performance.now() - this.startedAt > wallMs) {
      return {
        end: 'wall-timeout',
        message: `not done after ${durationText(wallMs)}: stopped`,
        gently: true,
      };
    }
    if (this.options.pipe.silentMs > idleMs) {
      return { end: 'idle-timeout', message: `no output for ${durationText(idleMs)}: stopped`, gently: true };
    }
    return null;
  }

  private wallStop(): Stop {
    const { wallMs } = this.options.spec.limits;
    return { end: 'wall-timeout', message: `not done after ${durationText(wallMs)}: stopped`, gently: true };
  }

  private async processesStop(): Promise<Stop | null> {
    const { memoryBytes, processes } = this.options.spec.limits;
    const rows = await this.options.tree.programs(this.options.pollMs / 2);
    if (rows.length > processes) {
      const message = `more than ${processes} processes at once: stopped`;
      return { end: 'process-limit', message, gently: false };
    }
    const used = rows.reduce((sum, row) => sum + row.rssBytes, 0);
    if (used <= memoryBytes) return null;
    const message = `used ${bytesText(used)} of memory, more than its ${bytesText(memoryBytes)}: stopped`;
    return { end: 'memory-limit', message, gently: false };
  }

  private outputStop(): Stop {
    const limit = bytesText(this.options.spec.limits.outputBytes);
    return { end: 'output-limit', message: `printed more than ${limit}: stopped`, gently: false };
  }

  private diskStop(): Stop {
    const limit = bytesText(this.options.spec.limits.diskBytes);
    return {
      end: 'disk-limit',
      message: `its files take more than ${limit} of disk: stopped`,
      gently: false,
    };
  }
}

export function abortedBy(signal: AbortSignal): Stop {
  const reason: unknown = signal.reason;
  const named = reason instanceof Error && reason.name !== 'AbortError' ? reason.message : null;
  const text = typeof reason === 'string' ? reason : named;
  return {
    end: 'aborted',
    message: text === null ? 'stopped on request' : `stopped on request: ${text}`,
    gently: true,
  };
}
