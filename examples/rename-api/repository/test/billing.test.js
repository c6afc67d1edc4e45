'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { BillingClient } = require('../src/billing-client.js');
const { invoiceId } = require('../src/ids.js');
const { reminder } = require('../src/reminders.js');
const { printable, totals } = require('../src/reports/totals.js');

const id = invoiceId(2026, 7);
const client = new BillingClient([{ id, lines: [{ text: 'Wool', amount: 40 }, { text: 'Dye', amount: 10 }] }]);

test('a reminder names what is due', () => {
  assert.equal(reminder(client, id), 'Invoice 2026-0007: 50.00 EUR are due.');
  assert.equal(reminder(client, 'nobody'), null);
});

test('totals are in the currency that was asked for', () => {
  assert.deepEqual(totals(client, [id, 'nobody'], 'USD'), [54, 0]);
});

test('a printable invoice has its lines', () => {
  assert.equal(printable(client, id), 'Wool: 40\nDye: 10');
});
