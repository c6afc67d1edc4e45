export * from './ledger.ts';
export * from './cursor.ts';
export * from './terms.ts';
export * from './errors.ts';
export {
  BODY_VERSION,
  EMPTY_HEAD,
  eventBody,
  hashEvent,
  parseBody,
  type BodyParts,
} from './chain/event-body.ts';
export * from './chain/verify-chain.ts';
export * from './memory/in-memory-ledger.ts';
export * from './memory/in-memory-terms.ts';
