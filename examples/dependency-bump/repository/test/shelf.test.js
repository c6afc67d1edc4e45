'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { isSameLot, sortShelf } = require('../src/shelf.js');

test('a shelf is sorted by lot', () => {
  assert.deepEqual(sortShelf(['blue#12', 'red#3', 'grey#7']), ['red', 'grey', 'blue']);
});

test('a label without a number is of no lot', () => {
  assert.equal(isSameLot('blue', 'blue#1'), false);
});

test('skeins of one lot go together', () => {
  assert.equal(isSameLot('blue#4', 'sky#4'), true);
});
