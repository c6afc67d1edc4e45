'use strict';

const { METRES_PER_GRAM } = require('./units.js');

/** Metres of yarn in so many grams. */
function metres(grams, unit) {
  return grams * METRES_PER_GRAM[unit];
}

module.exports = { metres };
