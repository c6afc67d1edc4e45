import type { Reason } from '#domain';

/** The worker is shutting down: stop and hand the lease back. */
export class DrainingError extends Error {
  readonly code = 'draining';
  readonly retry = 'later';
  constructor() {
    super('the worker is shutting down');
    this.name = 'DrainingError';
  }
}

/** Nobody answered a hand-back in the time that a draining worker has for it. */
export class HandBackTimeoutError extends Error {
  readonly code = 'hand-back-timeout';
  readonly retry = 'later';
  constructor(ms: number) {
    super(`nobody took the hand-back within ${ms} ms`);
    this.name = 'HandBackTimeoutError';
  }
}

/** The decider does not understand a message of ours: repeating it cannot help. */
export class MessageRefusedError extends Error {
  readonly code = 'message-refused';
  readonly retry = 'later';
  constructor(verb: string, why: string) {
    super(`the decider refused the ${verb} message: ${why}`);
    this.name = 'MessageRefusedError';
  }
}

/** The step cannot be done by anyone, anywhere: it ends as blocked with this reason. */
export class StepBlockedError extends Error {
  readonly code = 'step-blocked';
  readonly retry = 'never';
  constructor(
    readonly reason: Reason,
    options?: { cause?: unknown },
  ) {
    super(reason.message, options);
    this.name = 'StepBlockedError';
  }
}

/** Something outside of the step failed (remote, disk, sandbox): the lease is handed back and tried again later. */
export class WorkerFaultError extends Error {
  readonly code = 'worker-fault';
  readonly retry = 'later';
  constructor(
    readonly reason: Reason,
    options?: { cause?: unknown },
  ) {
    super(reason.message, options);
    this.name = 'WorkerFaultError';
  }
}
