// A coding agent for the demo, scripted so that it costs nothing and needs no network. It stands in for any command
// line agent: it is told what to do in the file $SKEIN_PROMPT, edits the worktree that it is started in, and from the
// second attempt on finds in the file $SKEIN_FEEDBACK what the checks said about the attempt before.
//
// Like many a hasty agent it first writes the obvious translation. What it forgets it only learns from the feedback:
// it knows how to repair a failure that it is told about, not that there is one.
import { readFileSync, writeFileSync } from 'node:fs';

const TOLERATE_MISSING = 'let a depot that is gone count as empty';
const FIND_DEPOT = `
async function findDepot(id) {
  try {
    return await store.get(\`depot:\${id}\`);
  } catch (err) {
    if (err.code === 'NOT_FOUND') return null;
    throw err;
  }
}
`;

const prompt = readFileSync(process.env.SKEIN_PROMPT, 'utf8');
const feedback = process.env.SKEIN_FEEDBACK ? readFileSync(process.env.SKEIN_FEEDBACK, 'utf8') : '';

const file = /`([^`]+\.js)`/.exec(prompt)?.[1];
if (!file) {
  console.error('The prompt names no file to work on.');
  process.exit(1);
}
console.log(`I was asked: ${prompt.trim().split('\n')[0]}`);

const failures = process.env.AGENT_IGNORES_FEEDBACK === '1' ? [] : failingTests(feedback);
for (const { name, error } of failures) console.log(`The checks failed: "${name}": ${error}`);

const repairs = new Set(failures.map(repairFor).filter((repair) => repair !== null));
for (const repair of repairs) console.log(`So I will ${repair}.`);
if (repairs.size === 0) console.log('I will translate the callbacks one to one.');

writeFileSync(file, write({ toleratesMissing: repairs.has(TOLERATE_MISSING) }));
console.log(`Wrote ${file}.`);

// Test names with the first error below each, as node:test reports them ("✖ name (3ms)" or "not ok 3 - name").
function failingTests(text) {
  const found = new Map();
  let current = null;
  for (const line of text.split('\n')) {
    const name = /^\s*(?:✖ (.+?) \([\d.]+ ?ms\)|not ok \d+ - (.+?))\s*$/.exec(line);
    if (name) {
      current = name[1] ?? name[2];
      if (!found.has(current)) found.set(current, '');
      continue;
    }
    const error = /^\s*(?:error: ['"]?)?((?:\w+Error\b.*|.* is not known)?)['"]?\s*$/.exec(line)?.[1];
    if (current && error && found.get(current) === '') found.set(current, error);
  }
  return [...found].map(([name, error]) => ({ name, error }));
}

// What to do about a failing test. Null: this agent has no idea.
function repairFor({ name, error }) {
  if (/is not known|NOT_FOUND/.test(error) && /counts as empty/.test(name)) return TOLERATE_MISSING;
  return null;
}

function write({ toleratesMissing }) {
  const lookUp = toleratesMissing ? 'await findDepot(id)' : 'await store.get(`depot:${id}`)';
  return `'use strict';

const { store } = require('./store');

// How many parcels each depot holds, in the order asked for. All depots are looked at in parallel.
async function loadByDepot(depots) {
  return Promise.all(depots.map(countParcels));
}

async function countParcels(id) {
  const depot = ${lookUp};
${toleratesMissing ? '  // A depot that was torn down is no error: its line says zero.\n  if (!depot) return { depot: id, parcels: 0 };\n' : ''}  const parcels = await store.list('parcel:');
  return { depot: id, parcels: parcels.filter((parcel) => parcel.depot === depot.id).length };
}
${toleratesMissing ? FIND_DEPOT : ''}
module.exports = { loadByDepot };
`;
}
