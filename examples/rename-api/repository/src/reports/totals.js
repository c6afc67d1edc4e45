'use strict';

function totals(client, ids, currency) {
  return ids.map((id) => client.fetchInvoice(id, currency)?.total ?? 0);
}

function printable(client, id) {
  const { lines } = client.fetchInvoice(id, 'USD', true);
  return lines.map(({ text, amount }) => `${text}: ${amount}`).join('\n');
}

module.exports = { totals, printable };
