'use strict';

function reminder(client, id) {
  const invoice = client.fetchInvoice(id, 'EUR');
  if (invoice === null) return null;
  return `Invoice ${id}: ${invoice.total.toFixed(2)} EUR are due.`;
}

module.exports = { reminder };
