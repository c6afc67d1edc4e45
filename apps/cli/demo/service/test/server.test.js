'use strict';

const assert = require('node:assert');
const { beforeEach, test } = require('node:test');
const { answer } = require('../src/server');
const { openDesk } = require('../support/desk');

beforeEach(openDesk);

test('answers with a parcel', async () => {
  const { status, body } = await answer('/parcels/P-1');
  assert.strictEqual(status, 200);
  assert.strictEqual(body.to, 'Ada');
});

test('answers with labels, quotes and places', async () => {
  assert.strictEqual((await answer('/parcels/P-3/label')).body, 'P-3 / EDSGER / 5.0 kg');
  assert.strictEqual((await answer('/parcels/P-3/quote')).body.cents, 1400);
  assert.strictEqual((await answer('/parcels/P-3/where')).body.text, 'We have it in our books.');
});

test('answers with the report of all depots', async () => {
  assert.deepStrictEqual((await answer('/report')).body, [
    { depot: 'north', parcels: 2 },
    { depot: 'south', parcels: 1 },
  ]);
});

test('what is not there is a 404', async () => {
  assert.strictEqual((await answer('/parcels/P-9')).status, 404);
  assert.strictEqual((await answer('/nowhere')).status, 404);
});
