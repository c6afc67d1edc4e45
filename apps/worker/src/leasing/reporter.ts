import { LeaseLostError, type DeciderClient } from '#bus';
import type { AttemptMessage, DeciderReply, ReleaseMessage, ResultMessage } from '#contracts';
import { currentTraceparent } from '#telemetry';
import { MessageRefusedError } from './errors.ts';
import type { Lease } from './lease.ts';

/** Speaks to the decider for one lease. Every call returns only after the decider's commit. */
export class Reporter {
  constructor(
    private readonly decider: Pick<DeciderClient, 'request'>,
    private readonly lease: Lease,
  ) {}

  async attempt(message: Omit<AttemptMessage, 'lease'>): Promise<'continue' | 'stop'> {
    const { key, signal } = this.lease;
    const o = { traceparent: message.traceparent };
    return this.#read(
      'attempt',
      await this.decider.request('attempt', { lease: key, ...message }, signal, o),
    );
  }

  async result(result: ResultMessage['result']): Promise<void> {
    const { key, signal } = this.lease;
    const traceparent = currentTraceparent();
    const message = { lease: key, result, traceparent };
    this.#read('result', await this.decider.request('result', message, signal, { traceparent }));
  }

  /** Takes its own signal: the lease's has fired already when a draining worker hands it back. */
  async release(release: Omit<ReleaseMessage, 'lease'>, signal: AbortSignal): Promise<void> {
    const message = { lease: this.lease.key, ...release };
    const o = { traceparent: currentTraceparent() };
    this.#read('release', await this.decider.request('release', message, signal, o));
  }

  #read(verb: 'attempt' | 'result' | 'release', reply: DeciderReply): 'continue' | 'stop' {
    switch (reply.status) {
      case 'applied':
        return reply.next;
      case 'lost': {
        const lost = new LeaseLostError(this.lease.key, 'told', reply.reason);
        this.lease.end(lost);
        throw lost;
      }
      case 'refused':
        throw new MessageRefusedError(verb, reply.reason);
    }
  }
}
