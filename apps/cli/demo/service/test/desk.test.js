'use strict';

const assert = require('node:assert');
const { beforeEach, test } = require('node:test');
const customers = require('../src/services/customers');
const depots = require('../src/services/depots');
const invoices = require('../src/services/invoices');
const labels = require('../src/services/labels');
const tracking = require('../src/services/tracking');
const { ask, openDesk } = require('../support/desk');

beforeEach(openDesk);

test('renames a customer without stray blanks', async () => {
  assert.strictEqual((await ask(customers.rename, 'C-1', ' Ada L. ')).name, 'Ada L.');
  assert.strictEqual((await ask(customers.find, 'C-1')).name, 'Ada L.');
});

test('lists the depots by name', async () => {
  assert.deepStrictEqual(await ask(depots.all), ['north', 'south']);
});

test('closes a depot', async () => {
  await ask(depots.close, 'north');
  assert.strictEqual((await ask(depots.find, 'north')).open, false);
});

test('prints a label', async () => {
  assert.strictEqual(await ask(labels.print, 'P-1'), 'P-1 / ADA / 1.2 kg');
});

test('quotes by the started kilo', async () => {
  assert.deepStrictEqual(await ask(invoices.quote, 'P-1'), { parcel: 'P-1', cents: 830 });
});

test('an invoice is unpaid until it is paid', async () => {
  assert.strictEqual(await ask(invoices.issue, { parcel: 'P-1', cents: 830 }), 'P-1');
  assert.strictEqual((await ask(invoices.pay, 'P-1')).paid, true);
});

test('cannot pay what was never invoiced', async () => {
  await assert.rejects(ask(invoices.pay, 'P-3'), { code: 'NOT_FOUND' });
});

test('explains where a parcel is', async () => {
  assert.strictEqual((await ask(tracking.explain, 'P-2')).text, 'It is on its way.');
  await ask(tracking.deliver, 'P-2');
  assert.strictEqual((await ask(tracking.explain, 'P-2')).text, 'It has arrived.');
});
