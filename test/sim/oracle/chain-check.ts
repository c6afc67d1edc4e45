import { createHash } from 'node:crypto';
import { Violation } from './violation.ts';

interface Row {
  seq: number;
  body: string;
  prevHash: string;
  hash: string;
}

/**
 * The chain as the contract has it, written anew: every event holds the bytes that were hashed and the hash of the one
 * before it, and the last one is the last that was appended.
 */
export function checkChain(planId: string, rows: readonly Row[], head: { seq: number; hash: string }): void {
  const fail = (message: string): never => {
    throw new Violation('chain-is-intact', `plan ${planId}: ${message}`, planId);
  };
  let last = '0'.repeat(64);
  rows.forEach(({ seq, body, prevHash, hash }, index) => {
    if (seq !== index + 1) fail(`event ${index + 1} is numbered ${seq}`);
    if (prevHash !== last) fail(`event ${seq} does not follow the one before it`);
    if (createHash('sha256').update(`${prevHash}\n${body}`).digest('hex') !== hash)
      fail(`event ${seq} holds other bytes than those that were hashed`);
    const said = JSON.parse(body) as { plan: string; seq: number };
    if (said.plan !== planId || said.seq !== seq)
      fail(`event ${seq} says that it is ${said.plan} ${said.seq}`);
    last = hash;
  });
  if (rows.length !== head.seq || last !== head.hash) fail('it ends elsewhere than its last append');
}
