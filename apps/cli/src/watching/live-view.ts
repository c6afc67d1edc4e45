import { renderFollowed, renderPlan } from '../rendering/plan-view.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { FrameWriter } from './frame-writer.ts';
import { logLines } from './log-lines.ts';
import { describeLoss } from './lost-server.ts';
import type { LogWatcher, PlanWatcher } from './plan-watcher.ts';
import type { WatchedPlan } from './watched-plan.ts';

/** Events come by the thousand; people read ten frames a second at most. */
const FRAME_MS = 100;
/** Times and estimates go on without events. */
const TICK_MS = 1_000;
const NOTICE_MS = 5_000;

/** The view of a terminal: one frame that is drawn over and over, with the log of a followed step above it. */
export class LiveView implements PlanWatcher {
  private plan: WatchedPlan | null = null;
  private notice: { text: string; untilMs: number } | null = null;
  private lostServer = false;
  private drawnMs = -Infinity;
  private nextFrame: NodeJS.Timeout | null = null;
  private tick: NodeJS.Timeout | null = null;
  private readonly writer: FrameWriter;
  readonly log: LogWatcher;

  /** `follow`: the step whose log is shown; the frame is small then. */
  constructor(
    private readonly terminal: Terminal,
    private readonly follow: string | null,
  ) {
    this.writer = new FrameWriter(terminal.stdout);
    this.log = logLines(terminal.paint, (text) => this.writer.print(text));
  }

  begin(plan: WatchedPlan): void {
    this.plan = plan;
    this.terminal.stdout.on('resize', this.onResize);
    this.tick = setInterval(() => this.draw(), TICK_MS);
    this.draw();
  }

  event(): void {
    this.soon();
  }

  waits(): void {
    this.soon();
  }

  lost(error: Error): void {
    this.lostServer = true;
    this.notice = { text: describeLoss(error), untilMs: Infinity };
    this.draw();
  }

  back(): void {
    if (!this.lostServer) return;
    this.lostServer = false;
    this.notice = { text: 'the server is back', untilMs: Date.now() + NOTICE_MS };
    this.draw();
  }

  done(): void {
    if (this.nextFrame) clearTimeout(this.nextFrame);
    if (this.tick) clearInterval(this.tick);
    this.terminal.stdout.off('resize', this.onResize);
    // What the last events changed may not be drawn yet.
    if (this.plan) this.draw();
    this.writer.done();
  }

  private readonly onResize = (): void => {
    this.writer.forget();
    this.draw();
  };

  private soon(): void {
    this.nextFrame ??= setTimeout(
      () => this.draw(),
      Math.max(0, this.drawnMs + FRAME_MS - performance.now()),
    );
  }

  private draw(): void {
    if (this.nextFrame) clearTimeout(this.nextFrame);
    this.nextFrame = null;
    this.drawnMs = performance.now();
    if (this.plan) this.writer.draw(this.render(this.plan));
  }

  private render(plan: WatchedPlan): string {
    const nowMs = Date.now();
    if (this.notice && nowMs > this.notice.untilMs) this.notice = null;
    const { paint } = this.terminal;
    // One column less: a full line would leave some terminals' cursor on the next one. One row less: for what is typed.
    const [columns, rows] = [Math.max(1, this.terminal.columns() - 1), Math.max(1, this.terminal.rows() - 1)];
    const frame = { columns, rows, nowMs, paint };
    const notice = this.notice?.text ?? null;
    if (this.follow === null) return renderPlan(plan, frame, notice);
    return renderFollowed(plan, plan.step(this.follow), frame, notice);
  }
}
