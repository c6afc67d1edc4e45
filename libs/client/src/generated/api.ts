// Made from docs/openapi.json by scripts/write-client.mjs. Not edited by hand.

export interface paths {
  '/v1/plans': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List plans, newest first
     * @description All conditions hold. A page with another filter than the one before it is not the next page.
     */
    get: operations['listPlans'];
    put?: never;
    /** Submit a plan */
    post: operations['submitPlan'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How a plan stands */
    get: operations['getPlan'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/cancel': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Cancel a plan
     * @description Its steps end, whoever holds them. Refused once its integration is accepted.
     */
    post: operations['cancelPlan'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/pause': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Pause a plan
     * @description No step of it is begun any more; those that run go on, and their results count.
     */
    post: operations['pausePlan'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/resume': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Let a paused plan go on */
    post: operations['resumePlan'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/retry': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Try a blocked or poisoned step again
     * @description It goes on from its last attempt with its feedback, more attempts, and perhaps a note. A halted plan goes on with it.
     */
    post: operations['retryStep'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/redrive': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Try a dead letter again
     * @description A retry of a poisoned step; refused for any other.
     */
    post: operations['redriveStep'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/skip': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Go on without a step
     * @description It counts as met, whoever holds it. A halted plan goes on.
     */
    post: operations['skipStep'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/kill': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * End a step's lease
     * @description Its worker stops; the step is tried again at once, and the loss does not count.
     */
    post: operations['killStep'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/fork': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Make a new plan of what a plan had come to
     * @description The new plan takes over the results of steps that would do the same again, and does the rest, from the same base.
     */
    post: operations['forkPlan'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/explain': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What a step waits for */
    get: operations['explainStep'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/dead-letters': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Poisoned steps of all plans
     * @description Of the newest plan first. One that is redriven is no dead letter any more.
     */
    get: operations['listDeadLetters'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/dead-letters/redrive': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Try dead letters again: those of a filter, or all, at a rate
     * @description Each is recorded with the time at which it is tried again, so that the rate holds whatever dies. May be repeated: what is redriven is no dead letter any more.
     */
    post: operations['redriveDeadLetters'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All steps of a plan */
    get: operations['listSteps'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/ledger': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * A page of what was recorded of a plan
     * @description With the bytes and hashes that prove it: see `skein ledger verify`.
     */
    get: operations['readLedger'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/events': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Follow a plan's events
     * @description Server-sent events. A comment comes every 15 seconds when nothing else does. A connection that ends may be taken up again with Last-Event-ID: no event is lost, none comes twice. A client that does not read is cut off. The id of a message is its seq. After `plan.closed` comes a message named `end`, and the stream ends; who comes back with the last id is answered 204, which stops an EventSource.
     */
    get: operations['streamPlanEvents'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/progress.md': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How a plan goes, for people */
    get: operations['readProgress'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/diff': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What a plan changes */
    get: operations['readPlanDiff'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/attempts': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Attempts of a step */
    get: operations['listAttempts'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/attempts/{attempt}/log': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** An attempt's log */
    get: operations['readAttemptLog'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/plans/{planId}/steps/{step}/attempts/{attempt}/diff': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What an attempt changed */
    get: operations['readAttemptDiff'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/events': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Follow the events of all plans
     * @description Server-sent events. A comment comes every 15 seconds when nothing else does. A connection that ends may be taken up again with Last-Event-ID: no event is lost, none comes twice. A client that does not read is cut off. The id of a message is an opaque cursor over all plans; a message with an id and no data moves a filtered stream along.
     */
    get: operations['streamEvents'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/limits': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All limits, and how much of them is in use */
    get: operations['readLimits'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    /**
     * Change limits while the fleet runs
     * @description Recorded with who and why. Nothing that runs is ended: a cap below what is in use admits nothing more until there is less.
     */
    patch: operations['changeLimits'];
    trace?: never;
  };
  '/v1/limits/ledger': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * A page of what was recorded of limits
     * @description With the bytes and hashes that prove it: see `skein ledger verify --limits`.
     */
    get: operations['readLimitsLedger'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sinks': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Who is paged, and whether it arrives */
    get: operations['listSinks'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/sinks/{sink}/test': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Send a test page
     * @description Sent now, by the replica that is asked, and not repeated.
     */
    post: operations['testSink'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/openapi.json': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** This description */
    get: operations['readDocument'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/healthz': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Whether the process lives */
    get: operations['readHealth'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/readyz': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Whether plans are taken */
    get: operations['readReadiness'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/metrics': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The metrics of this replica */
    get: operations['readMetrics'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    Attempt: {
      /** @description `s3`: stays the same, unlike a name it needs no encoding. */
      ordinal: string;
      epoch: number;
      worker: string;
      /** @description 1-based, counted over all leases. */
      attempt: number;
      /**
       * Format: date-time
       * @description ISO 8601 in UTC.
       */
      startedAt: string;
      durationMs: number;
      /** @enum {string} */
      verdict: 'accepted' | 'rejected';
      reason: components['schemas']['Reason'];
      commit: components['schemas']['CommitRef'] | null;
      /** @description What the next attempt is told. */
      feedback: string | null;
      diffstat: components['schemas']['Diffstat'] | null;
      logKey: string | null;
      diffKey: string | null;
      /** @description Of the lease's live trace. */
      traceparent: string | null;
      /**
       * Format: date-time
       * @description ISO 8601 in UTC.
       */
      finishedAt: string;
    };
    AttemptList: {
      attempts: components['schemas']['Attempt'][];
    };
    CommitRef: {
      /** @description A commit. */
      sha: string;
      /** @description The private ref that holds it. */
      ref: string;
    };
    DeadLetter: {
      planId: string;
      planName: string;
      /** @enum {string} */
      planStatus: 'running' | 'completed' | 'halted' | 'cancelled';
      tenant: string;
      /** @description `s3`: stays the same, unlike a name it needs no encoding. */
      ordinal: string;
      /** @description Of the step. */
      name: string;
      /** @enum {string} */
      kind:
        | 'noop'
        | 'wait'
        | 'run'
        | 'codemod'
        | 'agent'
        | 'resolve'
        | 'baseline'
        | 'integrate'
        | 'publish'
        | 'report'
        | 'clean';
      reason: components['schemas']['Reason'] | null;
      /** @description Of its last lease. */
      epoch: number;
      /** @description Attempts that are over. */
      attempts: number;
      leasesLost: number;
      poisonedAt: string | null;
    };
    DeadLetterList: {
      deadLetters: components['schemas']['DeadLetter'][];
      /** @description null: this is the last page. */
      nextCursor: string | null;
    };
    Diffstat: {
      files: number;
      insertions: number;
      deletions: number;
    };
    /** @description An OpenAPI 3.1 document. */
    Document: {
      [key: string]: unknown;
    };
    DryRun: {
      /** @constant */
      dryRun: true;
      /** @description Which plan it would be; null without an Idempotency-Key. */
      planId: string | null;
      /** @description true: the key was used before for the same, and nothing new would begin. */
      exists: boolean;
      name: string;
      /** @description What the plan would be pinned to. */
      digest: string;
      /** @description Steps of the plan's text, each matrix counted once. */
      steps: number;
      repo: {
        url: string;
        base: string;
      } | null;
    };
    Explanation: {
      planId: string;
      /** @description `s3`: stays the same, unlike a name it needs no encoding. */
      ordinal: string;
      name: string;
      /** @enum {string} */
      state:
        | 'waiting'
        | 'sleeping'
        | 'admitted'
        | 'running'
        | 'passed'
        | 'blocked'
        | 'poisoned'
        | 'cancelled'
        | 'skipped';
      /** @description What it waits for, in a sentence; null: for nothing. */
      wait: string | null;
      limit: components['schemas']['WaitLimit'];
      line: components['schemas']['WaitLine'];
      /** @description Of its end, or of what befell it last. */
      reason: components['schemas']['Reason'] | null;
      notBefore: string | null;
      worker: string | null;
      /** @description Why the plan ended, or that it is paused. */
      planReason: components['schemas']['Reason'] | null;
      needs: components['schemas']['Need'][];
    };
    ForkedPlan: {
      planId: string;
      name: string;
      /** @description Path of the plan. */
      url: string;
      /** @description false: the key was used before, and this is the plan that it made. */
      created: boolean;
      /** @description The plan that it was forked from. */
      origin: string;
      /** @description The last event of that plan that was looked at. */
      atSeq: number;
      /** @description Names of the steps whose results it takes over. */
      takenOver: string[];
    };
    Head: {
      /** @description Of the newest event; 1-based. */
      seq: number;
      /** @description Of that event, hex. */
      hash: string;
    };
    Health: {
      /** @constant */
      status: 'ok';
    };
    Integration: {
      branch: string;
      /** @description A commit. */
      sha: string;
      /** @description What the branch pointed to before; null: it was not there. */
      expectedOld: string | null;
      /** @description The newest base that it contains. */
      baseSha: string;
      diffstat: components['schemas']['Diffstat'] | null;
      /**
       * @description Accepted: being carried out. Published: the branch is there.
       * @enum {string}
       */
      state: 'accepted' | 'published';
    };
    LedgerEvent: {
      /** @description 1-based and without holes within its plan. */
      seq: number;
      /**
       * Format: date-time
       * @description ISO 8601 in UTC.
       */
      at: string;
      /** @description `step.passed`, `plan.completed` ... A newer server may know more of them. */
      type: string;
      /** @description What happened; its keys follow from `type`. */
      data: {
        [key: string]: unknown;
      };
      /** @description Of the message that caused it. */
      traceparent: string | null;
      /** @description The exact text that was hashed. */
      body: string;
      prevHash: string;
      /** @description hex(sha256(prevHash + "\n" + body)) */
      hash: string;
    };
    LedgerPage: {
      head: components['schemas']['Head'];
      events: components['schemas']['LedgerEvent'][];
    };
    LeftDeadLetter: {
      planId: string;
      /** @description `s3`: stays the same, unlike a name it needs no encoding. */
      ordinal: string;
      /** @description Of the step. */
      name: string;
      reason: components['schemas']['Reason'];
    };
    Limit: {
      /** @description What it is changed by: `tenant:acme`. */
      key: string;
      /** @enum {string} */
      kind: 'fleet' | 'tenant' | 'pool' | 'plan' | 'repository' | 'lock' | 'quota' | 'weight' | 'priority';
      /** @description `*`: every one that has no limit of its own. */
      name: string | null;
      /** @description null: no limit; listed because it is in use. */
      value: number | null;
      /** @description `everyone`: what `*` says. null: there is no limit. */
      from: ('settings' | 'changed' | 'everyone') | null;
      /** @description Steps in flight, holders or open steps; null: nothing is used of it, or it stands for many. */
      inUse: number | null;
      /** @description Who changed it at run time. */
      changed: components['schemas']['LimitChange'] | null;
    };
    LimitChange: {
      by: {
        name: string;
        via: string;
      };
      why: string | null;
      /**
       * Format: date-time
       * @description ISO 8601 in UTC.
       */
      at: string;
    };
    Limits: {
      /** @description Of the newest change; 0: there was none. */
      seq: number;
      /** @description By their keys. */
      limits: components['schemas']['Limit'][];
      /** @description true: some are left out, those in use without a limit first: the answer has at most 700 KB. */
      cut: boolean;
    };
    Need: {
      /** @description Of the step, before a matrix. */
      name: string;
      steps: number;
      /** @description Those that passed or were skipped. */
      met: number;
      /** @description Those that ended otherwise, at most 20. */
      failed: string[];
    };
    Plan: {
      planId: string;
      name: string;
      tenant: string;
      /** @enum {string} */
      status: 'running' | 'completed' | 'halted' | 'cancelled';
      labels: {
        [key: string]: string;
      };
      /** @description What it was given, defaults filled in. */
      params: {
        [key: string]: unknown;
      };
      priority: number;
      /**
       * Format: date-time
       * @description ISO 8601 in UTC.
       */
      submittedAt: string;
      endedAt: string | null;
      counts: components['schemas']['StepCounts'];
      /** @description The commit that it started from; null: not resolved, or no repository. */
      baseSha: string | null;
      integration: components['schemas']['Integration'] | null;
      /** @description Why it ended as it did, or who paused it (`plan-paused`); else null. */
      reason: components['schemas']['Reason'] | null;
      /** @description Up to where this was computed. Its seq is the ETag. */
      head: components['schemas']['Head'];
      /** @description Nothing will be appended to it any more. */
      closed: boolean;
    };
    PlanList: {
      plans: components['schemas']['Plan'][];
      /** @description null: this is the last page. */
      nextCursor: string | null;
    };
    Problem: {
      /** @description `urn:skein:problem:<code>` */
      type: string;
      title: string;
      status: number;
      /** @description What was wrong and what to do instead. */
      detail: string;
      /** @description For programs; stays stable. */
      code: string;
      /** @description Everything that is wrong with a plan's text. */
      problems?: components['schemas']['TextProblem'][];
      /** @description Where the plan stands, when If-Match named another seq. */
      currentSeq?: number;
    };
    Ready: {
      /** @constant */
      status: 'ready';
    };
    Reason: {
      /** @description For programs; stays stable. */
      code: string;
      /** @description For people. */
      message: string;
    };
    RedrivenDeadLetter: {
      planId: string;
      /** @description `s3`: stays the same, unlike a name it needs no encoding. */
      ordinal: string;
      /** @description Of the step. */
      name: string;
      /** @description null: at once. */
      notBefore: string | null;
    };
    RedrivenDeadLetters: {
      redriven: components['schemas']['RedrivenDeadLetter'][];
      /** @description No dead letters any more: somebody else was quicker. */
      passedOver: components['schemas']['LeftDeadLetter'][];
      /** @description They cannot be redriven, and why. */
      refused: components['schemas']['LeftDeadLetter'][];
      /** @description Some of them have not had their turn: ask again, with `nextCursor`. */
      more: boolean;
      /** @description null: ask from the beginning. */
      nextCursor: string | null;
      /** @description Why the others of this page have not had their turn. */
      stopped: components['schemas']['Reason'] | null;
    };
    Sink: {
      name: string;
      /** @enum {string} */
      type: 'webhook' | 'slack' | 'pagerduty';
      /** @description Scheme and host. The rest of its address is a secret. */
      place: string;
      /** @description What it is paged about. */
      on: string[];
      /** @description Pages that it has not taken yet. */
      waiting: number;
      /** @description Tries that failed, in a row. */
      failures: number;
      /** @description null: it took the last page that it was sent. */
      failingSince: string | null;
      lastSuccessAt: string | null;
      lastErrorAt: string | null;
      /** @description For people. */
      lastError: string | null;
      /** @description Pages that were tried for a day, and that nobody got. */
      givenUp: number;
    };
    SinkList: {
      sinks: components['schemas']['Sink'][];
    };
    SinkTest: {
      delivered: boolean;
      /** @description Of the sink's HTTP answer; null: there was none. */
      status: number | null;
      /** @description For people; null: it was delivered. */
      error: string | null;
      durationMs: number;
    };
    Step: {
      /** @description `s3`: stays the same, unlike a name it needs no encoding. */
      ordinal: string;
      name: string;
      /** @enum {string} */
      kind:
        | 'noop'
        | 'wait'
        | 'run'
        | 'codemod'
        | 'agent'
        | 'resolve'
        | 'baseline'
        | 'integrate'
        | 'publish'
        | 'report'
        | 'clean';
      /** @enum {string} */
      state:
        | 'waiting'
        | 'sleeping'
        | 'admitted'
        | 'running'
        | 'passed'
        | 'blocked'
        | 'poisoned'
        | 'cancelled'
        | 'skipped';
      /** @description Of its newest lease; 0: never admitted. */
      epoch: number;
      /** @description Attempts that are over. */
      attempts: number;
      leasesLost: number;
      /** @description It waits until then: a wait, or a backoff. */
      notBefore: string | null;
      reason: components['schemas']['Reason'] | null;
      /** @description Who holds it, or held it last. */
      worker: string | null;
      /** @description Of its first lease. */
      startedAt: string | null;
      endedAt: string | null;
      commit: components['schemas']['CommitRef'] | null;
      outputs: {
        [key: string]: unknown;
      };
      /** @description Names of the steps, before a matrix, that it needs. */
      needs: string[];
      /** @description What it waits for, in a sentence. */
      wait: string | null;
    };
    /** @description Steps by state, the system's own steps included. */
    StepCounts: {
      waiting: number;
      sleeping: number;
      admitted: number;
      running: number;
      passed: number;
      blocked: number;
      poisoned: number;
      cancelled: number;
      skipped: number;
    };
    StepList: {
      steps: components['schemas']['Step'][];
    };
    /** @description `data` of a message without a name. A message named `end` has planId and seq only. */
    StreamedEvent: {
      planId: string;
      seq: number;
      /**
       * Format: date-time
       * @description ISO 8601 in UTC.
       */
      at: string;
      /** @description `step.passed`, `plan.completed` ... A newer server may know more of them. */
      type: string;
      /** @description What happened; its keys follow from `type`. */
      data: {
        [key: string]: unknown;
      };
      /** @description Of the message that caused it. */
      traceparent: string | null;
    };
    SubmittedPlan: {
      planId: string;
      name: string;
      /** @description Path of the plan. */
      url: string;
      /** @description false: the key was used before, and this is the plan that it made. */
      created: boolean;
    };
    TextProblem: {
      /** @description For programs; stays stable. */
      code: string;
      message: string;
      /** @description `steps[3].needs[0]`; empty for the text as a whole. */
      path: string;
      /** @description The file of templates that it is in; absent: the plan text. */
      file?: string;
      /** @description From 1. */
      line: number;
      /** @description From 1, in UTF-16 code units. */
      column: number;
      /** @description What to do about it. */
      hint?: string;
    };
    /** @description The first limit that holds it. `window`: what the workers of the pool can start soon. */
    WaitLimit: {
      /** @enum {string} */
      kind: 'fleet' | 'tenant' | 'pool' | 'window' | 'plan' | 'repository' | 'lock' | 'branch';
      name: string | null;
      limit: number;
      inUse: number;
    } | null;
    /** @description Where it stands when it is ready. */
    WaitLine: {
      pool: string;
      /** @description Of its plan, if every plan takes one turn. */
      place: number;
      /** @description Plans in the line of the pool. */
      of: number;
      /** @description Steps of the plan itself that go first. */
      stepsBefore: number;
    } | null;
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  listPlans: {
    parameters: {
      query?: {
        /** @description Plans of a page. */
        limit?: number;
        /** @description `nextCursor` of the page before. Opaque. */
        cursor?: string;
        /** @description How the plans stand. */
        status?: 'running' | 'completed' | 'halted' | 'cancelled';
        /** @description How their names begin, in whatever case. */
        name?: string;
        /** @description Whom they belong to. */
        tenant?: string;
        /** @description `key=value`, or `key` for any value. Given several times: all of them. */
        label?: string[];
        /** @description Submitted then or later. */
        createdAfter?: string;
        /** @description Submitted then or earlier. */
        createdBefore?: string;
        /** @description `<24h`: submitted in the last 24 hours; `>7d`: longer ago than that. Units: s, m, h, d. */
        age?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PlanList'];
        };
      };
      /** @description Problem: `query-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  submitPlan: {
    parameters: {
      query?: {
        /** @description true: everything that a submission checks is checked, and nothing is written. */
        dryRun?: 'true' | 'false';
      };
      header?: {
        /** @description The same key is the same plan, however often it is sent. Absent: every submission is a new plan. */
        'Idempotency-Key'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description The plan, YAML or JSON. */
          text: string;
          /** @description Used instead of the text's `repo.url`: a client resolves folders relative to where it is. */
          repoUrl?: string;
          /** @description Whom the plan belongs to, of those that the settings name. Absent: `local`. */
          tenant?: string;
          /** @description Branch, tag or commit, used instead of the text's `repo.base`. */
          base?: string;
          /** @description Values of the plan's params. Texts are taken for numbers, true/false and lists where it wants those. */
          params?: {
            [key: string]: (string | number | boolean) | (string | number | boolean)[];
          };
          /** @description Texts of the files that `templateFiles` of the plan names, by the names there. */
          files?: {
            [key: string]: string;
          };
        };
      };
    };
    responses: {
      /** @description The key was used before, and nothing new begins; or what a dry run found. */
      200: {
        headers: {
          /** @description Path of the plan. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SubmittedPlan'] | components['schemas']['DryRun'];
        };
      };
      /** @description The plan begins. */
      201: {
        headers: {
          /** @description Path of the plan. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SubmittedPlan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `query-invalid`, `idempotency-key-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `body-too-large`, `plan-invalid`. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `unsupported-media-type`, `unsupported-encoding`. */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-invalid`, `repo-url-invalid`, `base-invalid`, `tenant-unknown`, `idempotency-key-reused`, `quota-too-small`. */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`, `quota-used-up`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getPlan: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The plan, up to its last commit. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `view-behind`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  cancelPlan: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description The plan, cancelled. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-ended`, `integration-accepted`. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  pausePlan: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description The plan, paused. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-ended`. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  resumePlan: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description The plan, not paused. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-ended`. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  retryStep: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Recorded with it. */
          why?: string;
          /** @description So many more. Absent: as many as the plan gave at first. */
          attempts?: number;
          /** @description Told to the next attempt, after the feedback. */
          note?: string;
        };
      };
    };
    responses: {
      /** @description The plan, with the step waiting for its turn. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `step-open`, `step-not-failed`, `step-never-ran`, `step-not-retried`, `plan-ended`, `plan-closing`. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  redriveStep: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description The plan, with the step waiting for its turn. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `step-open`, `step-not-failed`, `step-never-ran`, `step-not-retried`, `step-not-poisoned`, `plan-ended`, `plan-closing`. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  skipStep: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description The plan, with the step skipped. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `step-ended`, `step-not-skipped`, `plan-ended`, `plan-closing`. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  killStep: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description The plan, with the step waiting for its turn. */
      200: {
        headers: {
          /** @description Where the plan stands: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Plan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `step-not-running`. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  forkPlan: {
    parameters: {
      query?: never;
      header?: {
        /** @description The same key is the same plan, however often it is sent. Absent: every submission is a new plan. */
        'Idempotency-Key'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description The plan as it stood at this event of its ledger. Absent: as it is now. */
          atSeq?: number;
          /** @description Of the new plan. Absent: as the text, or the origin, has it. */
          name?: string;
          /** @description The new plan's text. Absent: it is the origin's, with all that was given with it. */
          text?: string;
          /** @description Used instead of the text's `repo.url`: a client resolves folders relative to where it is. */
          repoUrl?: string;
          /** @description Branch, tag or commit, used instead of the text's `repo.base`. */
          base?: string;
          /** @description Values of the plan's params. Texts are taken for numbers, true/false and lists where it wants those. */
          params?: {
            [key: string]: (string | number | boolean) | (string | number | boolean)[];
          };
          /** @description Texts of the files that `templateFiles` of the plan names, by the names there. */
          files?: {
            [key: string]: string;
          };
        };
      };
    };
    responses: {
      /** @description The key was used before, and nothing new begins. */
      200: {
        headers: {
          /** @description Path of the new plan. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ForkedPlan'];
        };
      };
      /** @description The new plan begins. */
      201: {
        headers: {
          /** @description Path of the new plan. */
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ForkedPlan'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `idempotency-key-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `body-too-large`, `plan-invalid`. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-unknown`, `text-missing`, `fork-too-large`, `plan-invalid`, `repo-url-invalid`, `base-invalid`, `idempotency-key-reused`, `quota-too-small`. */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`, `fork-busy`, `quota-used-up`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  explainStep: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description In a sentence, and what it needs. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Explanation'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listDeadLetters: {
    parameters: {
      query?: {
        /** @description Dead letters of a page. */
        limit?: number;
        /** @description `nextCursor` of the page before. Opaque. */
        cursor?: string;
        /** @description Of this plan. */
        plan?: string;
        /** @description Of plans whose names begin so, in whatever case. */
        name?: string;
        /** @description Of plans that belong to them. */
        tenant?: string;
        /** @description With this reason code. */
        reason?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DeadLetterList'];
        };
      };
      /** @description Problem: `query-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  redriveDeadLetters: {
    parameters: {
      query?: never;
      header?: {
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Those for which all of it holds, as in the list of dead letters. */
          filter?: {
            /** @description Of this plan. */
            plan?: string;
            /** @description Of plans whose names begin so, in whatever case. */
            name?: string;
            /** @description Of plans that belong to them. */
            tenant?: string;
            /** @description With this reason code. */
            reason?: string;
          };
          /**
           * @description Instead of a filter: every dead letter.
           * @constant
           */
          all?: true;
          /** @description So many are tried again a minute, after those that wait already of an earlier request. Absent: all at once. */
          ratePerMinute?: number;
          /**
           * @description Dead letters of one request.
           * @default 100
           */
          limit?: number;
          /** @description `nextCursor` of the answer before. Opaque. */
          cursor?: string;
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description What was done with each. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RedrivenDeadLetters'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `query-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`, `redrive-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listSteps: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description In the order of their ordinals. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['StepList'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readLedger: {
    parameters: {
      query?: {
        /** @description The seq that the page follows. */
        after?: number;
        /** @description Events of a page. */
        limit?: number;
      };
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description In the order of seq; an empty page is past the end. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['LedgerPage'];
        };
      };
      /** @description Problem: `query-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  streamPlanEvents: {
    parameters: {
      query?: {
        /** @description The seq that the stream follows. Last-Event-ID wins over it. */
        after?: number;
      };
      header?: {
        /** @description The id of the last event that was received. */
        'Last-Event-ID'?: string;
      };
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Its events after the given seq, and then as they come. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/event-stream': string;
        };
      };
      /** @description The plan is closed, and Last-Event-ID names its last event. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Problem: `query-invalid`, `last-event-id-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `streams-full`, `shutting-down`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readProgress: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Rendered now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/markdown': string;
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readPlanDiff: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The diff of its integration; before there is one, those of its accepted attempts. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/plain': string;
        };
      };
      /** @description Problem: `plan-unknown`, `artifact-lost`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listAttempts: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description First to last, those that are over. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AttemptList'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readAttemptLog: {
    parameters: {
      query?: {
        /** @description Byte to go on from: then a page of at most 256 KB comes, also of the attempt that runs. Absent: the whole log. */
        from?: number;
      };
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
        /** @description From 1 on, counted over all leases of the step. */
        attempt: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What its programs printed. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/plain': string;
        };
      };
      /** @description Problem: `query-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`, `attempt-unknown`, `log-none`, `artifact-lost`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readAttemptDiff: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description What the submission answered with.
         * @example 3b6f0a2c9d1e4f5a6b7c
         */
        planId: string;
        /**
         * @description Ordinal (`s3`) or name of a step, percent-encoded.
         * @example s3
         */
        step: string;
        /** @description From 1 on, counted over all leases of the step. */
        attempt: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A unified diff. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/plain': string;
        };
      };
      /** @description Problem: `query-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`, `step-unknown`, `attempt-unknown`, `diff-none`, `artifact-lost`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  streamEvents: {
    parameters: {
      query?: {
        /** @description The id that the stream follows; `0-0` for everything. Absent: from now on. Last-Event-ID wins over it. */
        after?: string;
        /** @description Events of this plan. Given several times: any of them. */
        plan?: string[];
        /** @description Events of this type, such as `plan.completed`. Given several times: any of them. */
        type?: string[];
        /** @description Events of this tenant's plans. */
        tenant?: string;
      };
      header?: {
        /** @description The id of the last event that was received. */
        'Last-Event-ID'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Events after the cursor, and then as they come. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/event-stream': string;
        };
      };
      /** @description Problem: `query-invalid`, `last-event-id-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `streams-full`, `shutting-down`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readLimits: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description As the decider has them. */
      200: {
        headers: {
          /** @description Where the limits stand: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Limits'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  changeLimits: {
    parameters: {
      query?: never;
      header?: {
        /** @description The plan as it was looked at: its ETag. When it has moved since, nothing is done and the answer is 412. */
        'If-Match'?: string;
        /** @description W3C trace context: the leases become part of that trace. */
        traceparent?: string;
        /** @description Who asks, for the ledger. Until there are logins it is taken as it is. */
        'X-Skein-Actor'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description By `fleet`, `tenant:<name>`, `pool:<name>`, `plan:<id>`, `repository:<address>`, `lock:<name>`, `quota:<tenant>`, `weight:<tenant>`, `priority:<plan id>`; null: as the settings have it again. What is not named stays. All of it is done, or nothing. */
          limits: {
            [key: string]: number | null;
          };
          /** @description Recorded with it. */
          why?: string;
        };
      };
    };
    responses: {
      /** @description The limits, as they are now. */
      200: {
        headers: {
          /** @description Where the limits stand: `"<seq>"`. For If-Match. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Limits'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`, `if-match-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `plan-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `seq-stale`. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `limit-invalid`, `limits-too-many`. */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `decider-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `no-decider`, `not-decider`, `ledger-down`, `ledger-unavailable`, `too-large-to-forward`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readLimitsLedger: {
    parameters: {
      query?: {
        /** @description The seq that the page follows. */
        after?: number;
        /** @description Events of a page. */
        limit?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description In the order of seq; an empty page is past the end. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['LedgerPage'];
        };
      };
      /** @description Problem: `query-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listSinks: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description In the order of the settings. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SinkList'];
        };
      };
      /** @description Problem: `ledger-unavailable`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  testSink: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description Its name in the settings.
         * @example ops
         */
        sink: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': Record<string, never>;
      };
    };
    responses: {
      /** @description Whether it was delivered. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['SinkTest'];
        };
      };
      /** @description Problem: `body-malformed`, `body-invalid`. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `sink-unknown`. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Problem: `sink-busy`. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readDocument: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OpenAPI 3.1. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Document'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readHealth: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It does. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Health'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readReadiness: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Ledger and NATS answer, and somebody decides. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Ready'];
        };
      };
      /** @description Problem: `not-ready`. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  readMetrics: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The text format of Prometheus; docs/metrics.md says what is in it. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/plain': string;
        };
      };
      /** @description Any other problem. */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
}
