'use strict';

const { store } = require('../src/store');

// Some of our modules take a callback and some return a promise: a test does not care which.
function ask(fn, ...args) {
  if (fn.length === args.length) return fn(...args);
  return new Promise((resolve, reject) => fn(...args, (err, value) => (err ? reject(err) : resolve(value))));
}

// A desk with two depots, one customer and three parcels.
async function openDesk() {
  store.clear();
  await store.put('depot:north', { id: 'north', open: true });
  await store.put('depot:south', { id: 'south', open: true });
  await store.put('customer:C-1', { id: 'C-1', name: 'Ada' });
  await store.put('parcel:P-1', {
    id: 'P-1',
    to: 'Ada',
    grams: 1200,
    depot: 'north',
    state: 'registered',
    moves: 0,
  });
  await store.put('parcel:P-2', {
    id: 'P-2',
    to: 'Grace',
    grams: 300,
    depot: 'north',
    state: 'moving',
    moves: 2,
  });
  await store.put('parcel:P-3', {
    id: 'P-3',
    to: 'Edsger',
    grams: 5000,
    depot: 'south',
    state: 'registered',
    moves: 0,
  });
}

module.exports = { ask, openDesk };
