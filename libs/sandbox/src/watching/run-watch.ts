import type { OutputPipe } from '../output/output-pipe.ts';
import type { ProcessTree } from '../processes/process-tree.ts';
import type { RunEnd, RunSpec } from '../run-spec.ts';
import type { DiskWatch } from './disk-usage.ts';
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
  pollMs: number;
}

/** Looks after one run's limits. The first that is broken is the reason; later ones are its consequences. */
export class RunWatch {
  readonly stopped: Promise<Stop>;
  private stop!: (stop: Stop) => void;
  private readonly startedAt = performance.now();
  private timer: NodeJS.Timeout | null = null;
  private looking = false;
  private readonly onAbort = () => this.stop(abortedBy(this.options.signal));

  constructor(private readonly options: RunWatchOptions) {
    this.stopped = new Promise((resolve) => (this.stop = resolve));
    this.timer = setInterval(() => void this.look(), options.pollMs);
    options.signal.addEventListener('abort', this.onAbort, { once: true });
    if (options.signal.aborted) this.onAbort();
    void this.look();
  }

  outputLimitReached(): void {
    const limit = bytesText(this.options.spec.limits.outputBytes);
    this.stop({ end: 'output-limit', message: `printed more than ${limit}: stopped`, gently: false });
  }

  /** A last look at what may have been filled between two looks. */
  async finalStop(): Promise<Stop | null> {
    return (await this.options.disk.exceeded(true)) ? this.diskStop() : null;
  }

  close(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
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
