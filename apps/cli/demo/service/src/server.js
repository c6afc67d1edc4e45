'use strict';

const { call } = require('./compat');
const customers = require('./services/customers');
const depots = require('./services/depots');
const invoices = require('./services/invoices');
const labels = require('./services/labels');
const parcels = require('./services/parcels');
const reports = require('./reports');
const tracking = require('./services/tracking');

const routes = [
  [/^\/parcels\/([\w-]+)$/, async (id) => call(parcels.find, id)],
  [/^\/parcels\/([\w-]+)\/label$/, async (id) => call(labels.print, id)],
  [/^\/parcels\/([\w-]+)\/quote$/, async (id) => call(invoices.quote, id)],
  [/^\/parcels\/([\w-]+)\/where$/, async (id) => call(tracking.explain, id)],
  [/^\/customers\/([\w-]+)$/, async (id) => call(customers.find, id)],
  [/^\/depots\/([\w-]+)$/, async (id) => call(depots.find, id)],
  [/^\/report$/, async () => reportOf(await call(depots.all))],
];

async function reportOf(depotIds) {
  return call(reports.loadByDepot, depotIds);
}

// What a GET of this path answers.
async function answer(path) {
  for (const [pattern, handler] of routes) {
    const match = pattern.exec(path);
    if (!match) continue;
    try {
      return { status: 200, body: await handler(...match.slice(1)) };
    } catch (err) {
      if (err.code === 'NOT_FOUND') return { status: 404, body: { error: err.message } };
      throw err;
    }
  }
  return { status: 404, body: { error: 'no such page' } };
}

module.exports = { answer };
