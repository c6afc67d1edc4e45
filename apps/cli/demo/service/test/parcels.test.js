'use strict';

const assert = require('node:assert');
const { beforeEach, test } = require('node:test');
const parcels = require('../src/services/parcels');
const { ask, openDesk } = require('../support/desk');

beforeEach(openDesk);

test('finds a parcel by its number', async () => {
  assert.strictEqual((await ask(parcels.find, 'P-1')).to, 'Ada');
});

test('says that a parcel is not known', async () => {
  await assert.rejects(ask(parcels.find, 'P-9'), { code: 'NOT_FOUND' });
});

test('registers a parcel', async () => {
  assert.strictEqual(await ask(parcels.register, { id: 'P-4', to: 'Alan', grams: 1, depot: 'south' }), 'P-4');
  assert.strictEqual((await ask(parcels.find, 'P-4')).state, 'registered');
});

test('counts the moves of a parcel', async () => {
  await ask(parcels.move, 'P-2', 'south');
  assert.deepStrictEqual(await ask(parcels.find, 'P-2'), {
    id: 'P-2',
    to: 'Grace',
    grams: 300,
    depot: 'south',
    state: 'moving',
    moves: 3,
  });
});

test('does not move a parcel that is not known', async () => {
  await assert.rejects(ask(parcels.move, 'P-9', 'south'), { code: 'NOT_FOUND' });
});
