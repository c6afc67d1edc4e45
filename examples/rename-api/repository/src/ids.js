'use strict';

/** `2026-0007` */
function invoiceId(year, number) {
  return `${year}-${String(number).padStart(4, '0')}`;
}

module.exports = { invoiceId };
