/** NATS or JetStream did not answer. Whether the operation happened is unknown; all of ours may be repeated. */
export class BusUnavailableError extends Error {
  override readonly name = 'BusUnavailableError';
  readonly code = 'bus-unavailable';
  readonly retry = 'later';

  constructor(
    readonly operation: string,
    options?: ErrorOptions,
  ) {
    super(`NATS did not carry out "${operation}"${because(options?.cause)}`, options);
  }
}

/** The server answers, but it cannot do what we depend on. An older one says yes to our requests and ignores them in part. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
  readonly code = 'bus-server-unfit';
  readonly retry = 'never';

  constructor(
    /** `host:port`, without credentials. */
    readonly server: string,
    readonly version: string,
    readonly jetstream: boolean,
  ) {
    super(
      `The NATS server at ${server} is version ${version} with JetStream ${jetstream ? 'enabled' : 'disabled'}; ` +
        'Skein needs nats-server 2.12 or newer with JetStream enabled, because others silently ignore what it depends on. ' +
        'Upgrade it or start it with JetStream (`nats-server -js`), or point NATS_URL at another one.',
    );
  }
}

/** A stream or consumer cannot be made as we need it, for instance because a foreign stream holds our subjects. */
export class BusSetupError extends Error {
  override readonly name = 'BusSetupError';
  readonly code = 'bus-setup';
  readonly retry = 'never';

  constructor(
    readonly resource: string,
    options?: ErrorOptions,
  ) {
    super(`JetStream refused "${resource}"${because(options?.cause)}`, options);
  }
}

/** The server would cut the connection for a message of this size, so it is never sent. */
export class MessageTooLargeError extends Error {
  override readonly name = 'MessageTooLargeError';
  readonly code = 'message-too-large';
  readonly retry = 'never';

  constructor(
    readonly subject: string,
    readonly sizeBytes: number,
    readonly limitBytes: number,
  ) {
    super(
      `A message of ${sizeBytes} bytes to "${subject}" is above the server's limit of ${limitBytes} bytes`,
    );
  }
}

/** The decider did what it was asked, but the server would cut its connection for an answer of this size. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
  readonly code = 'answer-too-large';
  readonly retry = 'never';

  constructor(
    readonly verb: string,
    readonly sizeBytes: number,
    readonly limitBytes: number,
  ) {
    super(
      `The answer to "${verb}" has ${sizeBytes} bytes, which is above the server's limit of ${limitBytes} bytes`,
    );
  }
}

/** Why a lease's work was aborted. It is the `reason` of the lease's abort signal. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'lease-lost';
  readonly retry = 'never';

  constructor(
    readonly lease: { planId: string; ordinal: number; epoch: number },
    /** `told`: the decider said so; `signal`: it sent a stop; `deadline`: nobody confirmed it for a whole lease. */
    readonly how: 'told' | 'signal' | 'deadline',
    readonly reason: string,
  ) {
    super(`Lease ${lease.planId} s${lease.ordinal} epoch ${lease.epoch} is lost: ${reason}`);
  }
}

function because(cause: unknown): string {
  return cause instanceof Error ? `: ${cause.message}` : '';
}
