'use strict';

const assert = require('node:assert');
const { beforeEach, test } = require('node:test');
const reports = require('../src/reports');
const { store } = require('../src/store');
const { ask, openDesk } = require('../support/desk');

beforeEach(openDesk);

test('counts the parcels of each depot', async () => {
  assert.deepStrictEqual(await ask(reports.loadByDepot, ['north', 'south']), [
    { depot: 'north', parcels: 2 },
    { depot: 'south', parcels: 1 },
  ]);
});

test('keeps the order that was asked for', async () => {
  const report = await ask(reports.loadByDepot, ['south', 'north']);
  assert.deepStrictEqual(
    report.map((line) => line.depot),
    ['south', 'north'],
  );
});

test('no depots make an empty report', async () => {
  assert.deepStrictEqual(await ask(reports.loadByDepot, []), []);
});

test('a depot that was torn down counts as empty', async () => {
  assert.deepStrictEqual(await ask(reports.loadByDepot, ['north', 'west']), [
    { depot: 'north', parcels: 2 },
    { depot: 'west', parcels: 0 },
  ]);
});

test('a broken store fails the report', async (t) => {
  t.mock.method(store, 'get', (key, done) => {
    const err = new Error('disk on fire');
    if (!done) return Promise.reject(err);
    done(err);
  });
  await assert.rejects(ask(reports.loadByDepot, ['north']), /disk on fire/);
});
