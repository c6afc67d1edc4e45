/**
 * Every span name and attribute key of Skein, in this one place. Names are low-cardinality (a backend groups by
 * them); ids, paths and counts are attributes. The `gen_ai.*` and `messaging.*` conventions still move: change them
 * here only.
 */
const spanNames = {
  /** One REST request of a client. */
  restRequest: 'rest request',
  planSubmit: 'plan submit',
  planCancel: 'plan cancel',
  planOperate: 'plan operate',
  limitsChange: 'limits change',
  decide: 'decider decide',
  sweep: 'decider sweep',
  campaign: 'decider campaign',
  ledgerAppend: 'ledger append',
  project: 'ledger project',
  jobPublish: 'job publish',
  jobReceive: 'job receive',
  jobSettle: 'job settle',
  deciderRequest: 'decider request',
  /** One lease on its worker: the root of a live trace. */
  lease: 'lease',
  attempt: 'attempt',
  prepare: 'prepare',
  setup: 'setup',
  agent: 'agent',
  codemod: 'codemod',
  command: 'command',
  scopeCheck: 'scope check',
  verify: 'verify',
  baseline: 'baseline',
  integrate: 'integrate',
  publish: 'publish',
  report: 'report',
  clean: 'clean',
  gitFetch: 'git fetch',
  gitCheckout: 'git checkout',
  gitMerge: 'git merge',
  gitCommit: 'git commit',
  gitPush: 'git push',
  sandboxRun: 'sandbox run',
  artifactPut: 'artifact put',
  /** The overview trace, written from the ledger. */
  plan: 'plan',
  step: 'step',
  matrix: 'matrix',
} as const;

const attributeKeys = {
  planId: 'skein.plan.id',
  planName: 'skein.plan.name',
  tenant: 'skein.tenant',
  stepOrdinal: 'skein.step.ordinal',
  stepName: 'skein.step.name',
  stepKind: 'skein.step.kind',
  stepCount: 'skein.step.count',
  outcome: 'skein.outcome',
  /** Of a matrix: `blocked=1 passed=99`. */
  outcomes: 'skein.outcomes',
  epoch: 'skein.lease.epoch',
  worker: 'skein.worker',
  pool: 'skein.pool',
  attempt: 'skein.attempt',
  verdict: 'skein.verdict',
  reason: 'skein.reason',
  term: 'skein.term',
  eventCount: 'skein.events',
  inputCount: 'skein.inputs',
  planCount: 'skein.plans',
  sha: 'skein.sha',
  branch: 'skein.branch',
  sandbox: 'skein.sandbox.kind',
  sandboxEnd: 'skein.sandbox.end',
  exitCode: 'process.exit.code',
  outputBytes: 'skein.output.bytes',
  messagingSystem: 'messaging.system',
  messagingDestination: 'messaging.destination.name',
  messagingOperation: 'messaging.operation.type',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  agentName: 'gen_ai.agent.name',
} as const;

export const names = { spans: spanNames, attributes: attributeKeys } as const;

export type SpanName = (typeof spanNames)[keyof typeof spanNames];
