export * from './plan/definition.ts';
export * from './ledger/events.ts';
