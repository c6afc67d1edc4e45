'use strict';

const { parseLot, compareLots } = require('dye-lot');

/** Skeins of one lot go together: the colour of two lots never is quite the same. */
function sortShelf(labels) {
  return labels.map((label) => parseLot(label)).sort(compareLots).map(({ name }) => name);
}

function isSameLot(one, other) {
  return compareLots(parseLot(one), parseLot(other)) === 0;
}

module.exports = { sortShelf, isSameLot };
